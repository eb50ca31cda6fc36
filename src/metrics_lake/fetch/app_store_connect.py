"""Fetches App Store Connect's daily sales reports over its API (developer.apple.com/documentation/appstoreconnectapi).

A request carries a token that this machine signs (ES256), valid for 15 minutes; Apple refuses more than 20. A day without
a report is an answer 404: the report isn't there yet, unless the answer says that nothing was sold.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

import jwt
import requests

from metrics_lake.config.store_accounts import AppStore
from metrics_lake.fetch.ledger import LANDED, NO_SALES, NOT_YET, UNCHANGED, Clock, FetchError, Outcome, ReportFolder
from metrics_lake.sources.stores.app_store_sales import FOLDER
from metrics_lake.sources.stores.raw_table import decode

ZONE = ZoneInfo("America/Los_Angeles")
_AUDIENCE, _LIFE, _SPARE = "appstoreconnect-v1", timedelta(minutes=15), timedelta(minutes=2)
_SKEW = timedelta(minutes=2)
_TRIES, _FIRST_WAIT, _LONGEST_WAIT, _SECONDS = 6, 2.0, 120.0, (10, 120)
_DAY = timedelta(days=1)
_EMPTY = (
    "Provider\tProvider Country\tSKU\tDeveloper\tTitle\tVersion\tProduct Type Identifier\tUnits\tDeveloper Proceeds\t"
    "Begin Date\tEnd Date\tCustomer Currency\tCountry Code\tCurrency of Proceeds\tApple Identifier\n"
)  # landed for a day without sales: a header alone means zero, no file means unknown
_REVOKED = "that the key wasn't revoked"
_NO_SALES = "no sales for the date"


@dataclass(frozen=True)
class DailyReport:
    """The text of a day's report. A day without sales has a header alone."""

    text: str
    has_sales: bool = True


class Connect:
    """Apple's API under one key."""

    def __init__(self, settings: AppStore, key: str, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._key = key.replace("\\n", "\n")  # an environment variable may be limited to one line
        self._token, self._until = "", datetime.min.replace(tzinfo=timezone.utc)
        self._session = requests.Session()

    def __repr__(self) -> str:
        return "Connect()"

    def report(self, on: date) -> DailyReport | None:
        """The report of a day; None where it isn't there yet."""
        answer = self._answer(on)
        if answer.status_code == requests.codes.not_found:
            return DailyReport(_EMPTY, has_sales=False) if _NO_SALES in _detail(answer).lower() else None
        return DailyReport(decode(_unpacked(answer.content)))

    def _answer(self, on: date) -> requests.Response:
        """An answer 200 or 404; retries after busy and broken answers, and raises FetchError for others."""
        wait, failure = _FIRST_WAIT, ""
        for attempt in range(_TRIES):
            if attempt:
                self._clock.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            try:
                answer = self._get(on)
                status = answer.status_code
                if status == requests.codes.ok and b"\t" not in _unpacked(answer.content).partition(b"\n")[0]:
                    failure = "the answer is no report"
                    continue
            except (requests.RequestException, EOFError, zlib.error, gzip.BadGzipFile) as error:
                failure = f"the answer broke off ({type(error).__name__})"
                continue
            if status == requests.codes.ok or (status == requests.codes.not_found and _is_of_report(answer)):
                return answer
            if status == requests.codes.too_many_requests:
                failure = "its limit of requests an hour is reached"
                wait = max(wait, _seconds(answer.headers.get("Retry-After")))
            elif status >= requests.codes.server_error:
                failure = f"it answers {status}"
            else:
                raise FetchError(self._meaning(answer))
        raise FetchError(f"the App Store gives no report of {on}: {failure}; run again later, it goes on from there")

    def _get(self, on: date) -> requests.Response:
        filters = {
            "filter[frequency]": "DAILY",
            "filter[reportType]": "SALES",
            "filter[reportSubType]": "SUMMARY",
            "filter[vendorNumber]": self._settings.vendor,
            "filter[reportDate]": on.isoformat(),
        }
        headers = {"Authorization": f"Bearer {self._signed()}", "Accept": "application/a-gzip"}
        url = f"{self._settings.url.rstrip('/')}/v1/salesReports"
        return self._session.get(url, params=filters, headers=headers, timeout=_SECONDS, allow_redirects=False)

    def _signed(self) -> str:
        now = self._clock.now()
        if now + _SPARE >= self._until:
            self._until = now + _LIFE
            claims = {"iss": self._settings.issuer_id, "iat": now, "exp": self._until, "aud": _AUDIENCE}
            try:
                self._token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._settings.key_id})
            except (ValueError, TypeError, jwt.PyJWTError):
                raise FetchError(
                    "the App Store key is no private key for ES256: use the file AuthKey_….p8 as Apple gave it, whole"
                ) from None
        return self._token

    def _meaning(self, answer: requests.Response) -> str:
        """The message for an answer of 400 to 403, with the remedy."""
        detail = _detail(answer)
        said = f" ({detail})" if detail else ""
        if answer.status_code == requests.codes.unauthorized:
            remedy = self._skew(answer) or f"check app_store.issuer_id, app_store.key_id and {_REVOKED}"
            return f"the App Store doesn't know the key{said}: {remedy}"
        if answer.status_code == requests.codes.forbidden:
            return f"the App Store refuses the report{said}: give the key the role Sales, and check app_store.vendor"
        if answer.status_code == requests.codes.not_found:
            return f"there is no App Store at {self._settings.url}{said}: check app_store.url"
        return f"the App Store answers {answer.status_code}{said}: check app_store.vendor and the range of days"

    def _skew(self, answer: requests.Response) -> str:
        """By how much this machine's clock is wrong, if it is: Apple refuses a token from another time like a wrong token."""
        try:
            off = self._clock.now() - parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError, TypeError):
            return ""
        direction = "ahead of" if off > timedelta(0) else "behind"
        minutes = round(abs(off) / timedelta(minutes=1))
        return f"this machine's clock is {minutes} minutes {direction} Apple's; set it" if abs(off) > _SKEW else ""


def _is_of_report(answer: requests.Response) -> bool:
    """Whether a 404 is about the report: Apple's answer says that there is none; another server or path answers differently."""
    detail = _detail(answer)
    return bool(detail) and "path" not in detail


def _unpacked(content: bytes) -> bytes:
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def _seconds(text: str | None) -> float:
    return min(float(text), _LONGEST_WAIT) if text and text.isdigit() else 0.0


def _detail(answer: requests.Response) -> str:
    """Apple's message of an error, as one short line."""
    try:
        detail = str(answer.json()["errors"][0].get("detail", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in detail)[:200]


def due(settings: AppStore, clock: Clock) -> list[date]:
    """The days that are fetched by default, oldest first: those before today in Apple's time zone."""
    today = clock.now().astimezone(ZONE).date()
    return [today - _DAY * back for back in range(settings.days, 0, -1)]


def fetch(settings: AppStore, key: str, landing: str, clock: Clock, days: Sequence[date] = ()) -> Iterator[Outcome]:
    """Lands new and changed reports of these days, by default of all days that are due; each as soon as it arrives.

    A day is requested as long as it is due, whatever the last answer was: Apple restates reports, and "no sales" too.
    """
    connect, landed = Connect(settings, key, clock), ReportFolder(landing, FOLDER)
    latest = due(settings, clock)[-1]
    for on in days or due(settings, clock):
        name = f"S_D_{settings.vendor}_{on:%Y%m%d}"
        report = connect.report(on)
        if report is None or (not report.has_sales and on >= latest):  # too early to believe that nothing was sold
            yield Outcome(name, NOT_YET)
            continue
        now = clock.now()
        source = f"{settings.url}/v1/salesReports"
        is_new = landed.add(
            name, report.text, version=f"{now:%Y-%m-%d}", written_at=now, suffix=".txt", source=source, folder=f"{on}/"
        )  # a folder for the day: redaction replaces a number of a vendor's length in a file name by a mark
        yield Outcome(name, (LANDED if report.has_sales else NO_SALES) if is_new else UNCHANGED)
