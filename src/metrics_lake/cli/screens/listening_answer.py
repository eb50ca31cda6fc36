"""`listening`: the total of a range, a table of its buckets, and a chart of peaks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import plotext
import polars as pl
from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from metrics_lake.cli.output.layout import Column, from_rows, table
from metrics_lake.cli.output.table_output import plain, write
from metrics_lake.cli.time_range import TimeRange
from metrics_lake.config.settings import Settings, SettingsError, load_tenants
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.serve.query import Answer, ListeningQuery
from metrics_lake.serve.sums import Row


def ask(settings: Settings, tenant: str, streams: Sequence[str], time_range: TimeRange, by: str) -> Answer:
    """Answers from the documents. Raises SettingsError if there is no such tenant or stream."""
    tenants = load_tenants(settings).tenants
    if tenant not in tenants:
        raise SettingsError(f"no tenant {tenant!r} in {settings.tenants_file}; there are: {', '.join(tenants)}")
    for stream in streams:
        if stream not in ("*", *tenants[tenant].streams):
            raise SettingsError(
                f"{tenant} has no stream {stream!r}; it has: {', '.join(tenants[tenant].streams)}, and * for all"
            )
    calendar = tenants[tenant].calendar
    start, end = time_range.between(calendar)
    chosen = ("*",) if "*" in streams or not streams else tuple(dict.fromkeys(streams))
    new_since = calendar.day_start(time_range.new_since) if time_range.new_since else None
    rotation = settings.privacy.key_rotation
    restatement = timedelta(hours=settings.publish.restatement_hours)
    return ListeningQuery(
        open_document_store(settings), tenant, calendar, chosen, start, end, rotation, new_since, restatement
    ).answer(by)


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
        console.print(Columns([table(_columns(answer), console.width), chart(answer, console.width)], padding=(0, 2)))


def _total(answer: Answer) -> str:
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
    head = f"[b]{answer.tenant}[/b] {answer.stream}  {answer.words}, {answer.timezone}{_completeness(answer)}"
    return f"{head}\n{' · '.join(figures)}" + (note if total["unique_listeners"].get("crosses_epoch") else "")


def _completeness(answer: Answer) -> str:
    """Whether the figures may still change, and of how much of the range they are; nothing where no document says."""
    if answer.complete_through is None:
        return ""
    through = datetime.fromisoformat(answer.complete_through)
    text = f"\n{answer.total['status']}, complete through {through:%Y-%m-%d %H:%M}"
    seconds, covered = answer.total["seconds"], answer.total["covered_seconds"]
    return text if covered >= seconds else f"{text}; logs cover {covered / 3600:,.0f} of {seconds / 3600:,.0f} hours"


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
        bucket["start"], _cell(bucket["total_sessions"]), _cell(bucket["total_hours"], ",.1f"),
        *(f"{'' if bucket[name]['method'] == 'exact' else '~'}{_cell(bucket[name]['value'])}" for name in counts),
        _cell(bucket["peak_listeners"]), _cell(bucket["average_listeners"], ",.1f"),
    )  # fmt: skip


def _cell(figure: float | None, form: str = ",") -> str:
    return UNKNOWN if figure is None else format(figure, form)


def chart(answer: Answer, width: int) -> Text:
    """Average and peak listeners of each bucket, as lines of dots that break off where nothing is known.

    Several streams together have no peak.
    """
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(max(30, min(70, width - 62)), 14)
    places = list(range(len(answer.buckets)))
    for name in ("peak", "average") if answer.total["peak_listeners"] is not None else ("average",):
        for number, part in enumerate(_known_parts([bucket[f"{name}_listeners"] for bucket in answer.buckets])):
            plotext.plot(*zip(*part, strict=True), label=None if number else name, marker="braille")
    plotext.xlim(0, max(1, len(places) - 1))
    step = max(1, len(places) // 4)
    plotext.xticks(places[::step], [str(bucket["start"])[5:16] for bucket in answer.buckets[::step]])
    plotext.ylim(0, None)
    return Text.from_ansi(plotext.build())


def _known_parts(figures: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Places and figures without the unknown ones, in stretches that have none between them."""
    parts = list[list[tuple[int, float]]]()
    for place, figure in enumerate(figures):
        if figure is not None:
            is_next = bool(parts) and parts[-1][-1][0] == place - 1
            parts = [*parts[:-1], [*parts[-1], (place, figure)]] if is_next else [*parts, [(place, figure)]]
    return parts
