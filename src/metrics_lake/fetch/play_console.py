"""Fetches Google Play's statistics from the bucket of Google Cloud Storage that Play Console keeps for each developer.

Google rewrites a month's files every day, also for days after its end. A new generation of a file is
fetched, and only that generation: a file that is rewritten meanwhile is fetched at the next run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.oauth2 import service_account

from metrics_lake.config.store_accounts import GooglePlay
from metrics_lake.fetch.ledger import LANDED, NOT_YET, UNCHANGED, Clock, FetchError, Outcome, ReportFolder
from metrics_lake.sources.stores.google_play_installs import FOLDER
from metrics_lake.sources.stores.raw_table import decode

_PREFIX = "stats/installs/installs_"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_DAY = timedelta(days=1)


def client(settings: GooglePlay, key: str) -> storage.Client:
    """A client of an emulator without a key, else of Google with a service account's key."""
    if settings.url:
        return storage.Client(
            project="emulator",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": settings.url},
        )
    try:
        account = json.loads(key)
        credentials = service_account.Credentials.from_service_account_info(account, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, AttributeError, GoogleAuthError):
        raise FetchError(
            "the Google Play key is no service account's key: use the JSON file as Google Cloud gave it, whole"
        ) from None
    return storage.Client(project=account.get("project_id"), credentials=credentials)


def due(settings: GooglePlay, clock: Clock) -> list[str]:
    """The months that are fetched by default, such as 200101, oldest first."""
    month, months = clock.now().date().replace(day=1), list[str]()
    for _ in range(settings.months):
        months.append(f"{month:%Y%m}")
        month = (month - _DAY).replace(day=1)
    return months[::-1]


def months_of(days: Iterable[date]) -> list[str]:
    return sorted({f"{on:%Y%m}" for on in days})


def fetch(
    settings: GooglePlay, bucket: storage.Bucket, apps: Iterable[str], landing: str, months: Iterable[str]
) -> Iterator[Outcome]:
    """Lands the new reports of each app and month; each as soon as it arrives."""
    landed, months = ReportFolder(landing, FOLDER), list(months)
    for app in apps:
        there = {_report(blob): blob for blob in _listed(bucket, app)}
        for report in (f"installs_{app}_{month}_{dimension}" for month in months for dimension in settings.dimensions):
            blob = there.get(report)
            if blob is None:
                yield Outcome(report, NOT_YET)
            elif landed.version(report) == str(blob.generation):
                yield Outcome(report, UNCHANGED)
            else:
                yield Outcome(report, _fetched(blob, report, landed))


def _report(blob: storage.Blob) -> str:
    return re.sub(r"\.csv$", "", str(blob.name).rpartition("/")[2])


def _listed(bucket: storage.Bucket, app: str) -> list[storage.Blob]:
    try:
        return list(bucket.client.list_blobs(bucket, prefix=f"{_PREFIX}{app}_"))
    except (exceptions.GoogleAPICallError, exceptions.RetryError, GoogleAuthError, OSError) as error:
        raise FetchError(_meaning(error, str(bucket.name))) from None


def _fetched(blob: storage.Blob, report: str, landed: ReportFolder) -> str:
    try:
        content = blob.download_as_bytes(if_generation_match=blob.generation, checksum="crc32c")
    except (exceptions.PreconditionFailed, exceptions.NotFound):
        return NOT_YET  # rewritten since it was listed
    except (exceptions.GoogleAPICallError, exceptions.RetryError, GoogleAuthError, OSError) as error:
        raise FetchError(_meaning(error, str(blob.bucket.name))) from None
    written_at: datetime = blob.updated or datetime.fromtimestamp(int(blob.generation) / 1e6, timezone.utc)
    source = f"gs://{blob.bucket.name}/{blob.name}"
    is_new = landed.add(
        report, decode(content), version=str(blob.generation), written_at=written_at, suffix=".csv", source=source
    )
    return LANDED if is_new else UNCHANGED


def _meaning(error: Any, bucket: str) -> str:
    """The message for an error, with the remedy. Google's own text may contain addresses of accounts, so it is left out."""
    if isinstance(error, exceptions.NotFound):
        return f"there is no bucket {bucket!r}: check google_play.bucket (Play Console, Download reports, Statistics)"
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized):
        return (
            f"Google refuses the bucket {bucket!r}: invite the service account in Play Console, Users and permissions, with "
            "the right to download bulk reports; it takes up to a day to hold"
        )
    if isinstance(error, GoogleAuthError):
        return "Google doesn't accept the service account's key: check that it wasn't deleted, and this machine's clock"
    return f"Google's storage can't be asked ({type(error).__name__}); run again later, it goes on from there"
