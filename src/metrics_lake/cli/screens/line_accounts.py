"""`metrics-lake audit completeness`: does every line of every file stand in one account, and which hours are missing?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl
from rich.console import Console

from metrics_lake.bronze import completeness, store_reports
from metrics_lake.bronze.completeness import Received
from metrics_lake.bronze.haproxy import FILES
from metrics_lake.bronze.hours import HOUR
from metrics_lake.bronze.losses import Loss
from metrics_lake.cli.output.rows import rows_of, write
from metrics_lake.io import delta
from metrics_lake.jobs.received import lost, received
from metrics_lake.settings import Settings

_COUNTS = ("line_count", "accepted_count", "reject_count", "unclaimed_count", "skipped_count")
_ACCOUNT = ("path", "proxy", "status", "reason", *_COUNTS)
_KINDS = ("received", "lost", "doubled")
_STRETCHES = 20  # of missing hours are named, the newest


def account(settings: Settings, format_: str, console: Console) -> bool:
    """Prints files and proxies; false if a file's lines don't add up."""
    files = rows_of(settings.storage.lake, FILES, None)
    accounts = pl.sum_horizontal(_COUNTS[1:])
    whole = pl.when(pl.col("status") == "quarantined").then(True).otherwise(pl.col("line_count") == accounts)
    both = pl.concat([files.select(_ACCOUNT), *_reports(settings.storage.lake)])
    told = both.with_columns(adds_up=whole)
    write(told, format_, console, title="lines in = accepted + rejected + unclaimed + skipped")
    if format_ == "table":
        _tell(received(settings), files, settings, console)
    return bool(told["adds_up"].all())


def _reports(lake: str) -> Iterator[pl.DataFrame]:
    """The accounts of stores' reports, where there are any: their lines are rows, their proxy is the store."""
    if delta.opened(f"{lake}/{store_reports.TABLE.path}", without_files=True):
        reports = rows_of(lake, store_reports.FILES, None)
        yield reports.with_columns(line_count="row_count", proxy="store").select(_ACCOUNT)


def _tell(found: Received, files: pl.DataFrame, settings: Settings, console: Console) -> None:
    write(hours_by_proxy(found, files), "table", console, title="hours by proxy")
    counted = losses_by_proxy(lost(settings))
    if counted.height:
        write(counted, "table", console, title="lines by the numbers that HAProxy gives them")
    for proxy in found.proxies:
        missing = stretches(proxy.of(completeness.MISSING))
        if missing:
            console.print(f"missing of {proxy.name or 'the proxy without a name'}: {', '.join(missing[-_STRETCHES:])}")
    for name in found.silent:
        console.print(f"expected, and nothing yet: {name}")
    console.print(f"complete through {found.complete_through or 'nothing yet'}")


def hours_by_proxy(found: Received, files: pl.DataFrame) -> pl.DataFrame:
    """Of each proxy: first and last hour, hours received, empty and missing between them, files that came twice."""
    copies = files.filter(pl.col("status") == "duplicate")["proxy"].to_list()
    rows = [
        (
            proxy.name, "yes" if proxy.is_expected else "no", min(proxy.hours), max(proxy.hours),
            *(len(proxy.of(kind)) for kind in (completeness.RECEIVED, completeness.EMPTY, completeness.MISSING)),
            proxy.through, copies.count(proxy.name),
        )
        for proxy in found.proxies
    ]  # fmt: skip
    names = ["proxy", "expected", "first_hour", "last_hour", "received", "empty", "missing", "through", "files_doubled"]
    return pl.DataFrame(rows, schema=names, orient="row")


def losses_by_proxy(found: list[Loss]) -> pl.DataFrame:
    """Of each proxy whose lines are numbered: lines received, lost and doubled, in all and in its worst hour."""
    rows = []
    for proxy in sorted({loss.proxy for loss in found}):
        mine = [loss for loss in found if loss.proxy == proxy]
        total = Loss(proxy, mine[0].hour, *(sum(getattr(loss, name) for loss in mine) for name in _KINDS))
        worst = max(mine, key=lambda loss: loss.lost_share)
        shown = (f"{total.lost_share:.2%}", f"{total.doubled_share:.2%}")
        rows.append((proxy, total.received, total.lost, total.doubled, *shown, worst.hour, f"{worst.lost_share:.2%}"))
    names = ["proxy", *_KINDS, "lost_share", "doubled_share", "worst_hour", "lost_then"]
    return pl.DataFrame(rows, schema=names, orient="row")


def stretches(hours: list[datetime]) -> list[str]:
    """Hours, those that follow each other as one: `2001-01-15 13:00 to 16:00`."""
    spans: list[tuple[datetime, datetime]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1] = (spans[-1][0], hour + HOUR)
        else:
            spans.append((hour, hour + HOUR))
    return [f"{start:%Y-%m-%d %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%Y-%m-%d %H:%M'}}"
            for start, end in spans]  # fmt: skip
