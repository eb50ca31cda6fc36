"""`metrics-lake listening`: a range's total, a table of its buckets, and a chart of peaks beside it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

import plotext
import polars as pl
from rich.columns import Columns
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from metrics_lake.cli.rows import plain, write
from metrics_lake.io.documents import SqliteDocuments
from metrics_lake.serve.figures import Row
from metrics_lake.serve.ranges import Answer
from metrics_lake.serve.ranges import ask as ask_range
from metrics_lake.settings import Settings, SettingsError, load_tenants


def ask(settings: Settings, tenant: str, stream: str, first_on: date, last_on: date, by: str) -> Answer:
    """The answer, or an error that names the tenants, or streams, that there are."""
    tenants = load_tenants(settings).tenants
    if tenant not in tenants:
        raise SettingsError(f"no tenant {tenant!r} in {settings.tenants_file}; there are: {', '.join(tenants)}")
    if stream not in ("*", *tenants[tenant].streams):
        raise SettingsError(
            f"{tenant} has no stream {stream!r}; it has: {', '.join(tenants[tenant].streams)}, and * for all"
        )
    store = SqliteDocuments(settings.documents.path)
    return ask_range(store, tenant, tenants[tenant].calendar, stream, first_on, last_on, by)


def tell(answer: Answer, format_: str, console: Console) -> None:
    if format_ == "json":
        sys.stdout.write(json.dumps(asdict(answer), default=plain, indent=1) + "\n")
    elif format_ == "csv":
        rows = [{**bucket, "unique_listeners": bucket["unique_listeners"]["value"]} for bucket in answer.buckets]
        write(pl.DataFrame(rows, infer_schema_length=None), "csv", console)
    elif not answer.buckets:
        console.print(f"nothing of {answer.tenant} ({answer.stream}) from {answer.first_on} to {answer.last_on}")
    else:
        console.print(_total(answer))
        console.print(Columns([_table(answer), chart(answer, console.width)], padding=(0, 2)))


def _total(answer: Answer) -> str:
    total, unique = answer.total, answer.total["unique_listeners"]
    about = "" if unique["method"] == "exact" else f" (estimated, ± {unique['relative_error']:.1%})"
    out = sum(answer.excluded.values())
    return (
        f"[b]{answer.tenant}[/b] {answer.stream}  {answer.first_on} to {answer.last_on}, {answer.timezone}\n"
        f"{total['total_sessions']:,} sessions · {total['total_hours']:,.1f} hours · "
        f"{unique['value']:,} unique listeners{about} · peak {total['peak_listeners']:,} at {on_clock(answer, total)}"
        + (
            f" · {out:,} sessions not counted ({', '.join(f'{k} {v:,}' for k, v in answer.excluded.items())})"
            if out
            else ""
        )
    )


def on_clock(answer: Answer, summary: Row) -> str:
    """When a summary's peak was, on the tenant's clock, to the minute."""
    if not summary["peak_at"]:
        return "no time"
    instant = datetime.fromisoformat(summary["peak_at"].replace("Z", "+00:00"))
    return instant.astimezone(ZoneInfo(answer.timezone)).strftime("%Y-%m-%d %H:%M")


def _table(answer: Answer) -> Grid:
    grid = Grid(answer.by, "sessions", "hours", "unique", "peak", "average", box=None)
    for column in grid.columns[1:]:
        column.justify = "right"
    for bucket in answer.buckets:
        unique = bucket["unique_listeners"]
        about = "" if unique["method"] == "exact" else "~"
        grid.add_row(
            bucket["start"], f"{bucket['total_sessions']:,}", f"{bucket['total_hours']:,.1f}",
            f"{about}{unique['value']:,}", f"{bucket['peak_listeners']:,}", f"{bucket['average_listeners']:,.1f}",
        )  # fmt: skip
    return grid


def chart(answer: Answer, width: int) -> Text:
    """Peak and average listeners of each bucket, as lines of dots."""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(max(30, min(70, width - 62)), 14)
    places = list(range(len(answer.buckets)))
    for name in ("peak", "average"):
        plotext.plot(places, [bucket[f"{name}_listeners"] for bucket in answer.buckets], label=name, marker="braille")
    step = max(1, len(places) // 4)
    plotext.xticks(places[::step], [str(bucket["start"])[5:16] for bucket in answer.buckets[::step]])
    plotext.ylim(0, None)
    return Text.from_ansi(plotext.build())
