"""`metrics-lake listening`: a range's total, a table of its buckets, and a chart of peaks beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import plotext
import polars as pl
from rich.columns import Columns
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from metrics_lake.cli.output.rows import plain, write
from metrics_lake.cli.time_range import Span
from metrics_lake.io.stores import documents_of
from metrics_lake.serve.figures import Row
from metrics_lake.serve.ranges import Answer, Range
from metrics_lake.settings import Settings, SettingsError, load_tenants


def ask(settings: Settings, tenant: str, streams: Sequence[str], span: Span, by: str) -> Answer:
    """The answer, or an error that names the tenants, or streams, that there are."""
    tenants = load_tenants(settings).tenants
    if tenant not in tenants:
        raise SettingsError(f"no tenant {tenant!r} in {settings.tenants_file}; there are: {', '.join(tenants)}")
    for stream in streams:
        if stream not in ("*", *tenants[tenant].streams):
            raise SettingsError(
                f"{tenant} has no stream {stream!r}; it has: {', '.join(tenants[tenant].streams)}, and * for all"
            )
    calendar = tenants[tenant].calendar
    start, end = span.between(calendar)
    chosen = ("*",) if "*" in streams or not streams else tuple(dict.fromkeys(streams))
    new_since = calendar.day_start(span.new_since) if span.new_since else None
    rotation = settings.privacy.key_rotation
    return Range(documents_of(settings), tenant, calendar, chosen, start, end, rotation, new_since).answer(by)


_COUNTS = ("unique_listeners", "new_listeners", "returning_listeners")


def tell(answer: Answer, format_: str, console: Console) -> None:
    if format_ == "json":
        sys.stdout.write(json.dumps(asdict(answer), default=plain, indent=1) + "\n")
    elif format_ == "csv":
        rows = [
            {**bucket, **{name: bucket[name]["value"] for name in _COUNTS if name in bucket}}
            for bucket in answer.buckets
        ]
        write(pl.DataFrame(rows, infer_schema_length=None), "csv", console)
    elif not answer.buckets:
        console.print(f"nothing of {answer.tenant} ({answer.stream}) from {answer.words}")
    else:
        console.print(_total(answer))
        console.print(Columns([_table(answer), chart(answer, console.width)], padding=(0, 2)))


def _total(answer: Answer) -> str:
    total, out = answer.total, sum(answer.excluded.values())
    told = [
        f"{total['total_sessions']:,} sessions",
        f"{total['total_hours']:,.1f} hours",
        *(f"{_sure(total[name])} {name.replace('_', ' ')}" for name in _COUNTS if name in total),
        f"peak {total['peak_listeners']:,} at {on_clock(answer, total)}"
        if total["peak_listeners"] is not None
        else "no peak of several streams together",
    ]
    if out:
        told.append(f"{out:,} sessions not counted ({', '.join(f'{k} {v:,}' for k, v in answer.excluded.items())})")
    note = "\nkeys changed within this range: a listener counts once in each of their epochs"
    return f"[b]{answer.tenant}[/b] {answer.stream}  {answer.words}, {answer.timezone}\n{' · '.join(told)}" + (
        note if total["unique_listeners"].get("crosses_epoch") else ""
    )


def _sure(count: Row) -> str:
    """A number, and how sure it is."""
    about = "" if count["method"] == "exact" else f" (estimated, ± {count['relative_error']:.1%})"
    return f"{count['value']:,}{about}"


def on_clock(answer: Answer, summary: Row) -> str:
    """When a summary's peak was, on the tenant's clock, to the minute."""
    if not summary["peak_at"]:
        return "no time"
    instant = datetime.fromisoformat(summary["peak_at"].replace("Z", "+00:00"))
    return instant.astimezone(ZoneInfo(answer.timezone)).strftime("%Y-%m-%d %H:%M")


def _table(answer: Answer) -> Grid:
    counts = [name for name in _COUNTS if name in answer.total]
    short = (name.removesuffix("_listeners") for name in counts)
    grid = Grid(answer.by, "sessions", "hours", *short, "peak", "average", box=None)
    for column in grid.columns[1:]:
        column.justify = "right"
    for bucket in answer.buckets:
        each = (bucket[name] for name in counts)
        peak = bucket["peak_listeners"]
        grid.add_row(
            bucket["start"], f"{bucket['total_sessions']:,}", f"{bucket['total_hours']:,.1f}",
            *(f"{'' if count['method'] == 'exact' else '~'}{count['value']:,}" for count in each),
            "–" if peak is None else f"{peak:,}", f"{bucket['average_listeners']:,.1f}",
        )  # fmt: skip
    return grid


def chart(answer: Answer, width: int) -> Text:
    """Peak (of one stream, or all) and average listeners of each bucket, as lines of dots."""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(max(30, min(70, width - 62)), 14)
    places = list(range(len(answer.buckets)))
    for name in ("peak", "average") if answer.total["peak_listeners"] is not None else ("average",):
        plotext.plot(places, [bucket[f"{name}_listeners"] for bucket in answer.buckets], label=name, marker="braille")
    step = max(1, len(places) // 4)
    plotext.xticks(places[::step], [str(bucket["start"])[5:16] for bucket in answer.buckets[::step]])
    plotext.ylim(0, None)
    return Text.from_ansi(plotext.build())
