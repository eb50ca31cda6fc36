"""What every job works with: settings, tenants, and a Spark session that starts when first needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import Settings, load_tenants
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.config.tenants import Tenants
from metrics_lake.io.lake.commit_log import CommitLog
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.storage.files import locked
from metrics_lake.model.calendars import Calendars
from metrics_lake.model.tables import Table
from metrics_lake.privacy.redaction import Names
from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.lookups import geo

if TYPE_CHECKING:
    from metrics_lake.io.lake.spark_tables import SparkTables


@dataclass
class JobContext:
    """One process's work. `on_step` is told, in a few words, what begins."""

    settings: Settings
    tenants: Tenants
    on_step: Callable[[str], None]

    @classmethod
    def of(cls, settings: Settings, on_step: Callable[[str], None] = lambda step: None) -> JobContext:
        """Checks secret, tenants, formats and places first, so that nothing starts that could not end."""
        settings.secret()
        formats.bound(settings.haproxy)
        geo.open_files(settings.places.country_file, settings.places.network_file)
        return cls(settings, load_tenants(settings), on_step)

    @cached_property
    def spark_tables(self) -> SparkTables:
        """The tables; starts Spark, which takes seconds, so a job asks for it only when there is work."""
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

    @property
    def stream(self) -> Intake:
        return Intake(bronze, f"{self.checkpoints}/ingest_haproxy", Names(self.settings.secret()).redact_path)

    def read(
        self, stream: Intake, into: Table, on_progress: Callable[[int, int], None] = lambda done, parts: None
    ) -> None:
        """Runs a stream over what is planned; on_progress is told how many of how many parts are done."""
        is_small = stream.waiting_bytes <= self.settings.spark.from_bytes
        stream.read(self.spark_tables.spark, self.table_path(into), on_progress, is_small=is_small)

    @cached_property
    def calendars(self) -> Calendars:
        return Calendars({name: tenant.calendar for name, tenant in self.tenants.tenants.items()})

    def lock(self, doing: str) -> AbstractContextManager[None]:
        """One writer a lake at a time; BusyError names the other."""
        place = f"{self.checkpoints}/writer.lock"
        if is_azure(place):
            from metrics_lake.io.storage.leases import leased

            return leased(place, doing)
        return locked(Path(place), doing)
