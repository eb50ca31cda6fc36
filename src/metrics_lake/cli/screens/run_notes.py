"""What a person must know after a run or an ingest: a line each, with its remedy, before the last line."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from metrics_lake.bronze import haproxy, store_reports
from metrics_lake.cli.output.consoles import write_line
from metrics_lake.cli.screens import (
    country_note,
    intake_warnings,
    log_notes,
    missing_hours,
    read_again_notes,
    reject_summary,
)
from metrics_lake.config.settings import Settings
from metrics_lake.jobs.ingest import Ingested
from metrics_lake.jobs.log_findings import log_findings
from metrics_lake.jobs.publish.publish import Published
from metrics_lake.jobs.run import Ran
from metrics_lake.jobs.unknown_agents import REMEDY, unknown_agents, warning


def write_intake(settings: Settings, ingested: Mapping[str, Ingested], console: Console) -> None:
    """Of what was taken in: files read again, rejected lines, files that could not be read, and what names leave open."""
    lake, logs = settings.storage.lake, ingested[haproxy.FEED.name]
    read_again_notes.write(ingested.values(), console)
    reject_summary.write(logs.rejected, console)
    intake_warnings.write_unread(ingested.values(), console)
    if logs.files:
        log_notes.write(lake, logs.after_batch, console)
    intake_warnings.write(lake, ingested[store_reports.FEED.name].files, console)


def write(settings: Settings, done: Ran, console: Console) -> None:
    """Of a run: its intake, and what its figures lack."""
    lake, logs = settings.storage.lake, done.ingested[haproxy.FEED.name]
    write_intake(settings, done.ingested, console)
    country_note.write(settings, console)
    if text := warning(unknown_agents(lake, logs.after_batch)):
        write_line(console, f"{text}; {REMEDY} (docs/formats.md)")
    if done.files or done.published != Published():
        missing_hours.write(settings, console)
    for line in log_findings(lake, logs.after_batch).lines if logs.files else ():
        write_line(console, line)
