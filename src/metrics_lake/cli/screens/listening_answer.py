"""`listening`: the total of a range, a table of its buckets, and a chart of peaks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from metrics_lake.cli import options
from metrics_lake.cli.output.layout import Column, from_rows, table, total_width
from metrics_lake.cli.output.line_chart import line_chart
from metrics_lake.cli.output.table_output import plain, write
from metrics_lake.cli.screens.tenant_list import published_days
from metrics_lake.cli.time_range import TimeRange
from metrics_lake.config.settings import Settings
from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.serve.query import Answer, ListeningQuery
from metrics_lake.serve.sums import Row


def ask(settings: Settings, tenant: str, streams: Sequence[str], time_range: TimeRange, by: str) -> Answer:
    """Answers from the documents. Raises a usage error if there is no such tenant or stream."""
    named = options.tenant_of(settings, tenant)
    for stream in streams:
        options.known(stream, (*named.streams, ALL_STREAMS), "--stream")
    calendar = named.calendar
    start, end = time_range.between(calendar)
    chosen = ("*",) if "*" in streams or not streams else tuple(dict.fromkeys(streams))
    new_since = calendar.day_start(time_range.new_since) if time_range.new_since else None
    rotation = settings.privacy.key_rotation
    restatement = timedelta(hours=settings.publish.restatement_hours)
    return ListeningQuery(
        open_document_store(settings), tenant, calendar, chosen, start, end, rotation, new_since, restatement
    ).answer(by)


_BETWEEN, _NARROWEST_BESIDE = 2, 60  # characters between table and chart, and of a chart beside a table
UNKNOWN = "–"  # what is not known is never 0
_OPTIONAL = ("hours", "new", "returning", "average")
_COUNTS = ("unique_listeners", "new_listeners", "returning_listeners")


def write_answer(answer: Answer, format_: str, console: Console) -> None:
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
        _write_buckets(answer, console)


def write_extent(settings: Settings, answer: Answer, console: Console) -> None:
    """Of an answer without buckets: which days there are."""
    days = published_days(settings, answer.tenant)
    there = f"{days[0]} to {days[1]}" if days else "nothing yet; `metrics-lake run` publishes"
    console.print(f"published of {answer.tenant}: {there}")


def _write_buckets(answer: Answer, console: Console) -> None:
    """The table, and the chart beside it where there is room, else below it."""
    columns = _columns(answer)
    room = console.width - total_width(columns) - _BETWEEN
    is_beside = room >= _NARROWEST_BESIDE
    drawn = chart(answer, room if is_beside else console.width)
    shown = table(columns, console.width)
    if drawn is None:
        console.print(shown)
    elif is_beside:
        console.print(Columns([shown, drawn], padding=(0, _BETWEEN)))
    else:
        console.print(shown, "", drawn, sep="\n")


def _total(answer: Answer) -> Text:
    total, excluded = answer.total, sum(answer.excluded.values())
    figures = [
        f"{total['total_sessions']:,} sessions",
        f"{total['total_hours']:,.1f} hours",
        *(f"{_with_error(total[name])} {name.replace('_', ' ')}" for name in _COUNTS if name in total),
        f"peak {total['peak_listeners']:,} at {on_clock(answer, total)}"
        if total["peak_listeners"] is not None
        else "no peak of several streams together",
    ]
    if excluded:
        figures.append(
            f"{excluded:,} sessions not counted ({', '.join(f'{k} {v:,}' for k, v in answer.excluded.items())})"
        )
    note = "\nkeys changed within this range: a listener counts once in each of their epochs"
    heading = f" {answer.stream}  {answer.words}, {clock_words(answer)}{_completeness(answer)}\n{' · '.join(figures)}"
    return Text.assemble(
        (answer.tenant, "bold"), heading, note if total["unique_listeners"].get("crosses_epoch") else ""
    )


def _completeness(answer: Answer) -> str:
    """Whether the figures may still change, and of how much of the range they are; nothing where no document says."""
    if answer.complete_through is None:
        return ""
    through = datetime.fromisoformat(answer.complete_through)
    text = f"\n{answer.total['status']}, complete through {through:%Y-%m-%d %H:%M}"
    seconds, covered = answer.total["seconds"], answer.total["covered_seconds"]
    return text if covered >= seconds else f"{text}; logs cover {covered / 3600:,.0f} of {seconds / 3600:,.0f} hours"


def clock_words(answer: Answer) -> str:
    """The tenant's time zone with its offset; both offsets where the clock changes within the range."""
    offsets = dict.fromkeys(instant[-6:] for instant in (answer.start, answer.end))
    return f"{answer.timezone} ({' and '.join(f'UTC{offset}' for offset in offsets)})"


def _with_error(count: Row) -> str:
    """A number, with its relative error if it is an estimate."""
    about = "" if count["method"] == "exact" else f" (estimated, ± {count['relative_error']:.1%})"
    return f"{count['value']:,}{about}"


def on_clock(answer: Answer, summary: Row) -> str:
    """The minute of the peak, on the tenant's clock."""
    if not summary["peak_at"]:
        return "no time"
    instant = datetime.fromisoformat(summary["peak_at"].replace("Z", "+00:00"))
    return instant.astimezone(ZoneInfo(answer.timezone)).strftime("%Y-%m-%d %H:%M")


def _columns(answer: Answer) -> list[Column]:
    counts = [name for name in _COUNTS if name in answer.total]
    short = [name.removesuffix("_listeners") for name in counts]
    names = (answer.by, "sessions", "hours", *short, "peak", "average")
    return from_rows(names, [_cells(bucket, counts) for bucket in answer.buckets], _OPTIONAL)


def _cells(bucket: Row, counts: Sequence[str]) -> tuple[str, ...]:
    return (
        _local(bucket["start"]), _cell(bucket["total_sessions"]), _cell(bucket["total_hours"], ",.1f"),
        *(f"{'' if bucket[name]['method'] == 'exact' else '~'}{_cell(bucket[name]['value'])}" for name in counts),
        _cell(bucket["peak_listeners"]), _cell(bucket["average_listeners"], ",.1f"),
    )  # fmt: skip


def _cell(figure: float | None, form: str = ",") -> str:
    return UNKNOWN if figure is None else format(figure, form)


def _local(start: str) -> str:
    """The start of a bucket for people: of an hour `2026-11-22 18:00 +02:00`."""
    day, _, clock = start.partition("T")
    return f"{day} {clock[:5]} {clock[8:]}" if clock else start


def chart(answer: Answer, width: int) -> Text | None:
    """Average and peak listeners of each bucket, on the tenant's clock. Several streams together have no peak.

    It breaks off where nothing is known. None if there are too few buckets.
    """
    labels = [_local(bucket["start"])[5:16] for bucket in answer.buckets]
    average = [bucket["average_listeners"] for bucket in answer.buckets]
    peak = [bucket["peak_listeners"] for bucket in answer.buckets]
    return line_chart(labels, average, peak, ("average", "peak"), width)
