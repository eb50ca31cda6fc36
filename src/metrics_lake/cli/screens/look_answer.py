"""`look`: what one log holds, on one page of the terminal, with a tenants.yaml to begin with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import yaml
from rich.console import Console
from rich.text import Text

from metrics_lake.cli.output.layout import Column, bar, from_rows, table
from metrics_lake.config.settings import SettingsError
from metrics_lake.config.tenants import ALL_STREAMS, Stream
from metrics_lake.jobs.look import TENANT, Look, span

# The width of a row of the chart, the narrowest first that gives so few rows.
_WIDTHS, _ROWS = ("1m", "5m", "15m", "1h", "1d"), 48
_BAR = 30
_DIMENSIONS = ("player", "device", "source")
_HEADING = (
    "# Proposed from one log: rename the tenant and its streams, set the station's own clock, and drop what is not radio.\n"
    "# Then: conf/tenants.yaml, the logs below data/landing/haproxy/, and `metrics-lake run`.\n"
)


def write(look: Look, console: Console) -> None:
    """Prints lines read, streams, listeners over time with bars, the commonest players, and the proposal."""
    _line(console, _summary(look))
    for note in _notes(look):
        _line(console, note)
    if look.minutes.height:
        console.print()
        console.print(table(_streams(look), console.width, "Streams"))
        console.print()
        console.print(table(_chart(look), console.width, f"Listeners at once ({look.timezone})"))
        for dimension in _DIMENSIONS:
            console.print()
            console.print(table(_top(look, dimension), console.width, dimension.capitalize()))
    console.print()
    console.print(Text(proposal(look)), soft_wrap=True)


def write_proposal(look: Look, file: Path) -> None:
    """Writes the proposed tenants.yaml, if no file of that name is there."""
    try:
        with file.open("x", encoding="utf-8") as text:
            text.write(proposal(look))
    except OSError as error:
        raise SettingsError(f"{file} can't be written: {error.strerror}") from None


def proposal(look: Look) -> str:
    """A tenants.yaml with the streams that were guessed."""
    streams = {name: _stated(stream) for name, stream in look.streams.items()}
    tenants = {"tenants": {TENANT: {"timezone": look.timezone, "streams": streams}}}
    return _HEADING + yaml.safe_dump(tenants, sort_keys=False, allow_unicode=True)


def _stated(stream: Stream) -> dict[str, object]:
    match = {name: globs[0] for name in ("frontend", "path") if (globs := getattr(stream.match, name))}
    return {"protocol": stream.protocol, "match": match}


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _summary(look: Look) -> str:
    lines, accepted, rejected, unclaimed = (
        look.files[name].fill_null(0).sum()
        for name in ("line_count", "accepted_count", "reject_count", "unclaimed_count")
    )
    times = span(look)
    when = f" from {_clock(times[0], look)} to {_clock(times[1], look)}" if times else ""
    total = look.minutes_of()
    listeners, hours = look.counted["listener_id"].n_unique(), total["listening_seconds"].sum() / 3600
    return (
        f"{lines:,} lines{when}: {accepted:,} requests of streams, {unclaimed:,} of nothing known, {rejected:,} rejected\n"
        f"{look.counted.height:,} sessions of {listeners:,} listeners, {hours:,.1f} hours{_peak(total, look)}"
    )


def _peak(minutes: pl.DataFrame, look: Look) -> str:
    if minutes.is_empty():
        return ""
    row = minutes.sort(-pl.col("peak_listeners"), "minute_at").row(0, named=True)
    return f", at most {row['peak_listeners']:,} at once, at {_clock(row['minute_at'], look)}"


def _clock(instant: datetime, look: Look) -> str:
    return f"{instant.astimezone(ZoneInfo(look.timezone)):%Y-%m-%d %H:%M}"


def _notes(look: Look) -> list[str]:
    excluded = look.sessions.filter(pl.col("exclusion").is_not_null())["exclusion"].value_counts(sort=True)
    quarantined = look.files.filter(pl.col("status") == "quarantined")
    reasons = look.rejects["reason"].value_counts(sort=True).head(3)
    unclaimed = (
        look.unclaimed.group_by("path_start").agg(pl.col("line_count").sum()).sort(-pl.col("line_count"), "path_start")
    )
    notes = [
        *(f"{path} was not read: {reason}" for path, reason in quarantined.select("path", "reason").iter_rows()),
        _listed("rejected", reasons.iter_rows()),
        _listed("of no stream", unclaimed.head(5).iter_rows()),
        _listed("sessions not counted", excluded.iter_rows()),
    ]
    return [note for note in notes if note]


def _listed(what: str, counted: Iterable[tuple[str | None, int]]) -> str:
    named = [f"{name or '(none)'} {count:,}" for name, count in counted]
    return f"{what}: {', '.join(named)}" if named else ""


def _streams(look: Look) -> list[Column]:
    rows = [
        (name, stream.protocol, next(iter(stream.match.path or stream.match.frontend)), *_figures(look, name))
        for name, stream in look.streams.items()
    ]
    rows.append((ALL_STREAMS, "", "all together", *_figures(look, ALL_STREAMS)))
    return from_rows(
        ("stream", "protocol", "requests of", "sessions", "listeners", "hours", "peak"), rows, ("protocol",)
    )


def _figures(look: Look, name: str) -> tuple[str, ...]:
    sessions, minutes = look.counted, look.minutes_of(name)
    if name != ALL_STREAMS:
        sessions = sessions.filter(pl.col("stream") == name)
    hours, peak = minutes["listening_seconds"].sum() / 3600, max(minutes["peak_listeners"].to_list(), default=0)
    return f"{sessions.height:,}", f"{sessions['listener_id'].n_unique():,}", f"{hours:,.1f}", f"{peak:,}"


def _chart(look: Look) -> list[Column]:
    """The most listeners at once over time, in rows wide enough that they fit on a page."""
    minutes = look.minutes_of().with_columns(pl.col("minute_at").dt.convert_time_zone(look.timezone))
    for width in _WIDTHS:
        rows = minutes.group_by_dynamic("minute_at", every=width).agg(
            pl.col("peak_listeners").max(), pl.col("listening_seconds").sum()
        )
        filled = rows.upsample("minute_at", every=width).with_columns(pl.col("peak_listeners").fill_null(0))
        if filled.height <= _ROWS:
            break
    peaks, pattern = filled["peak_listeners"].to_list(), "%Y-%m-%d" if width == "1d" else "%Y-%m-%d %H:%M"
    starts = filled["minute_at"].dt.to_string(pattern).to_list()
    hours = [f"{(seconds or 0) / 3600:,.1f}" for seconds in filled["listening_seconds"].to_list()]
    cells = [
        (start, f"{peak:,}", bar(peak, max(peaks), _BAR), length)
        for start, peak, length in zip(starts, peaks, hours, strict=True)
    ]
    return from_rows(("from", "peak", "", "hours"), cells)


def _top(look: Look, dimension: str) -> list[Column]:
    rows, total = look.top(dimension), max(look.counted.height, 1)
    most = max((sessions for _, sessions, _ in rows), default=0)
    return from_rows(
        (dimension, "sessions", "share", "hours", ""),
        [
            (value, f"{sessions:,}", f"{sessions / total:.0%}", f"{hours:,.1f}", bar(sessions, most, _BAR))
            for value, sessions, hours in rows
        ],
    )
