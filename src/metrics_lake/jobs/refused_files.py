"""The landing files that no run has read and that can't be read now, without reading any: for `doctor` and `audit completeness`."""

from __future__ import annotations

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.config.settings import Settings
from metrics_lake.io.landing.intake import Intake, landing_at
from metrics_lake.privacy.redaction import Names


def refused_files(settings: Settings) -> dict[str, str]:
    """Their redacted paths, each with its reason of quarantine. A folder that can't be listed ends in a slash."""
    landing, redact_path = landing_at(settings.storage.landing), Names(settings.secret()).redact_path
    refused = dict[str, str]()
    for feed in FEEDS:
        refused |= Intake(feed, f"{settings.storage.lake}/_checkpoints/{feed.checkpoint}", redact_path).refused(landing)
    landing.end_plan(redact_path)
    return refused | landing.put_off
