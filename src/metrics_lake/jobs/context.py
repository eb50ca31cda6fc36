"""What every job gets: settings, tenants, tables, the intake of each feed, and a Spark session that starts when first needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.config.settings import Settings, load_tenants
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.config.tenants import Tenants
from metrics_lake.io.lake.commit_log import CommitLog
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.io.landing.intake import Intake, landing_at
from metrics_lake.io.storage.files import locked
from metrics_lake.jobs import lake_identity
from metrics_lake.model.calendars import Calendars
from metrics_lake.model.feeds import Feed
from metrics_lake.model.tables import Table
from metrics_lake.privacy.redaction import Names

if TYPE_CHECKING:
    from metrics_lake.io.lake.spark_tables import SparkTables


@dataclass
class JobContext:
    """What one process's jobs share. `on_step` gets a few words about each step as it begins."""

    settings: Settings
    tenants: Tenants
    on_step: Callable[[str], None]

    @classmethod
    def create(
        cls, settings: Settings, on_step: Callable[[str], None] = lambda step: None, *, is_anew: bool = False
    ) -> JobContext:
        """Checks what each feed needs, the tenants and the places first, so that no job starts that could not end.

        The secret comes last: nothing is written, not even a new secret, before the settings are known to be good.
        With `is_anew` the lake is made anew, so it doesn't matter how the old one knows its listeners.
        """
        for feed in FEEDS:
            feed.check(settings)
        tenants = load_tenants(settings)
        if not is_azure(settings.storage.lake) and not Path(settings.storage.lake).exists():
            landing_at(settings.storage.landing).check(FEEDS[0].folders[0])
        secret = lake_identity.secret_of(settings)
        if not is_anew:
            lake_identity.check(settings, tenants, secret)
        return cls(settings, tenants, on_step)

    @cached_property
    def spark_tables(self) -> SparkTables:
        """The tables by Spark, which takes seconds to start: a job asks for it only when there is something to do."""
        from metrics_lake.io.lake.spark_session import session
        from metrics_lake.io.lake.spark_tables import SparkTables

        self.on_step("starting Spark")
        return SparkTables(session(self.settings), self.settings.storage.lake)

    @cached_property
    def commit_log(self) -> CommitLog:
        return CommitLog(self.settings.storage.lake)

    @cached_property
    def delta_tables(self) -> DeltaTables:
        return DeltaTables(self.settings.storage.lake)

    @property
    def checkpoints(self) -> str:
        return f"{self.settings.storage.lake}/_checkpoints"

    def table_path(self, table: Table) -> str:
        return f"{self.settings.storage.lake}/{table.path}"

    def intake(self, feed: Feed) -> Intake:
        """The manifest and the checkpoint of a feed."""
        return Intake(feed, f"{self.checkpoints}/{feed.checkpoint}", Names(self.settings.secret()).redact_path)

    def read(self, feed: Feed, on_progress: Callable[[int, int], None] = lambda done, parts: None) -> None:
        """Reads every planned batch of a feed into its table; on_progress gets how many of how many parts are done."""
        intake = self.intake(feed)
        is_small = intake.waiting_bytes <= self.settings.spark.from_bytes
        intake.read(self.spark_tables.spark, self.table_path(feed.table), on_progress, is_small=is_small)

    @cached_property
    def calendars(self) -> Calendars:
        return Calendars({name: tenant.calendar for name, tenant in self.tenants.tenants.items()})

    def lock(self, doing: str) -> AbstractContextManager[None]:
        """Lets one process at a time write to a lake; BusyError names the other."""
        place = f"{self.checkpoints}/writer.lock"
        if is_azure(place):
            from metrics_lake.io.storage.leases import leased

            return leased(place, doing)
        return locked(Path(place), doing)
