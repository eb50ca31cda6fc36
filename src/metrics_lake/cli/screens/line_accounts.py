"""`audit completeness`: is every line of every file accounted for, and which hours are missing?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import polars as pl
from rich.console import Console

from metrics_lake.bronze import store_reports
from metrics_lake.bronze.haproxy import FILES, FRONTENDS
from metrics_lake.bronze.line_shares import streams_without_media
from metrics_lake.cli import options
from metrics_lake.cli.output.consoles import plain_text
from metrics_lake.cli.output.table_output import rows_of, write
from metrics_lake.cli.screens import log_notes, missing_hours
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.coverage import completeness
from metrics_lake.coverage.completeness import Coverage
from metrics_lake.coverage.line_loss import LineLoss
from metrics_lake.io.lake import delta
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.jobs.log_findings import MEDIA_REMEDY
from metrics_lake.jobs.read_coverage import coverage, give_up, line_loss, with_proxies
from metrics_lake.jobs.refused_files import refused_files
from metrics_lake.sources.quarantine_reasons import explained

_COUNTS = ("line_count", "accepted_count", "reject_count", "unclaimed_count", "skipped_count")
_ACCOUNT = ("path", "proxy", "proxy_reason", "status", "reason", *_COUNTS)
_OPTIONAL = ("adds_up", "proxy_reason", "proxy", "reason")
_ADVICE = "--wide shows all, --columns chooses"
_TITLE = "lines in = accepted + rejected + unclaimed + skipped"
_KINDS = ("received", "lost", "doubled")
_MOST_SPANS = 20  # of missing hours: the newest


def account(
    settings: Settings, format_: str, console: Console, *, columns: str | None = None, is_wide: bool = False
) -> bool:
    """Prints files and proxies. False if the counts of a file don't add up to its lines."""
    files = with_proxies(rows_of(settings.storage.lake, FILES, None), settings.haproxy)
    accounts = pl.sum_horizontal(_COUNTS[1:])
    whole = pl.when(pl.col("status") == "quarantined").then(True).otherwise(pl.col("line_count") == accounts)
    both = pl.concat([files.select(_ACCOUNT), *_reports(settings.storage.lake)])
    accounts_by_file = both.with_columns(adds_up=whole)
    names = options.columns(columns, accounts_by_file.columns)
    optional = () if columns else _OPTIONAL
    shown = accounts_by_file.select(names)
    write(shown, format_, console, title=_TITLE, optional=optional, is_wide=is_wide, advice=_ADVICE)
    if format_ == "table":
        _write_proxies(coverage(settings, datetime.now(timezone.utc)), files, settings, console)
    return bool(accounts_by_file["adds_up"].all())


def _reports(lake: str) -> Iterator[pl.DataFrame]:
    """The counts of store reports, if there are any. A line is a row of a report, its proxy is the store."""
    if delta.opened(f"{lake}/{store_reports.TABLE.path}", without_files=True):
        reports = rows_of(lake, store_reports.FILES, None)
        yield reports.with_columns(line_count="row_count", proxy="store", proxy_reason=None).select(_ACCOUNT)


def _write_proxies(coverage: Coverage, files: pl.DataFrame, settings: Settings, console: Console) -> None:
    write(hours_by_proxy(coverage, files), "table", console, title="hours by proxy")
    losses = losses_by_proxy(line_loss(settings))
    if losses.height:
        write(losses, "table", console, title="lines by the numbers that HAProxy gives them")
    for stream in streams_without_media(rows_of(settings.storage.lake, FRONTENDS, None)):
        console.print(f"{stream.text}; {MEDIA_REMEDY}", highlight=False, markup=False, soft_wrap=True)
    for proxy in coverage.proxies:
        missing = missing_hours.hour_spans(proxy.hours_of_kind(completeness.MISSING))
        if missing:
            name = plain_text(proxy.name) or "the proxy without a name"
            console.print(f"missing of {name}: {', '.join(missing[-_MOST_SPANS:])}", markup=False, highlight=False)
    for note in [*log_notes.several_hosts(files), *log_notes.without_name(files), *log_notes.unknown_names(files)]:
        console.print(plain_text(note), highlight=False, markup=False)
    for name in coverage.silent:
        console.print(f"expected, and nothing yet: {name}")
    for text in _refused(settings):
        console.print(text, highlight=False, markup=False)
    lines = [*missing_hours.given_up(coverage), *missing_hours.waiting(coverage, give_up(settings))]
    for line in [*lines, *([f"→ {missing_hours.REMEDY}"] if lines else [])]:
        console.print(line, highlight=False, markup=False)
    console.print(f"complete through {coverage.complete_through or 'nothing yet'}")


def _refused(settings: Settings) -> Iterator[str]:
    """A line for each landing file that no run could read."""
    try:
        for path, reason in refused_files(settings).items():
            yield f"not read, and missing: {path} ({explained(reason)})"
    except (SettingsError, AzureError, CheckpointError, OSError) as error:
        yield f"landing was not looked at: {error}"


def hours_by_proxy(coverage: Coverage, files: pl.DataFrame) -> pl.DataFrame:
    """For each proxy: first and last hour, hours received, empty and missing between them, and files that came twice."""
    copies = files.filter(pl.col("status") == "duplicate")["proxy"].to_list()
    rows = [
        (
            proxy.name, "yes" if proxy.is_expected else "no", min(proxy.hours), max(proxy.hours),
            *(len(proxy.hours_of_kind(kind)) for kind in (completeness.RECEIVED, completeness.EMPTY, completeness.MISSING)),
            proxy.through, copies.count(proxy.name),
        )
        for proxy in coverage.proxies
    ]  # fmt: skip
    names = ["proxy", "expected", "first_hour", "last_hour", "received", "empty", "missing", "through", "files_doubled"]
    return pl.DataFrame(rows, schema=names, orient="row")


def losses_by_proxy(losses: list[LineLoss]) -> pl.DataFrame:
    """For each proxy that numbers its lines: lines received, lost and doubled, in total and in its worst hour."""
    rows = []
    for proxy in sorted({loss.proxy for loss in losses}):
        own = [loss for loss in losses if loss.proxy == proxy]
        total = LineLoss(proxy, own[0].hour, *(sum(getattr(loss, name) for loss in own) for name in _KINDS))
        worst = max(own, key=lambda loss: loss.lost_share)
        shares = (f"{total.lost_share:.2%}", f"{total.doubled_share:.2%}")
        rows.append((proxy, total.received, total.lost, total.doubled, *shares, worst.hour, f"{worst.lost_share:.2%}"))
    names = ["proxy", *_KINDS, "lost_share", "doubled_share", "worst_hour", "lost_then"]
    return pl.DataFrame(rows, schema=names, orient="row")
