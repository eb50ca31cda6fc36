"""`tenants check`: the streams of tenants.yaml, what each claims of some logs, and what none claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console

from metrics_lake.cli.output.layout import Column, from_rows, table
from metrics_lake.config.settings import Settings, load_tenants
from metrics_lake.config.tenants import Match, Tenants

_PATHS_SHOWN = 20


def examine(settings: Settings, files: Sequence[Path], console: Console) -> bool:
    """Prints the streams, and what they claim of the files. False if a stream can never match, or no request is claimed."""
    tenants = load_tenants(settings)
    shadowed = tenants.shadowed()
    is_right = _write_claims(settings, tenants, files, console) if files else _write_streams(tenants, console)
    for stream, earlier in shadowed:
        _line(
            console,
            f"{stream} can never match: {earlier} stands before it and takes all its requests; put {stream} first",
        )
    return is_right and not shadowed


def _write_streams(tenants: Tenants, console: Console) -> bool:
    rows = [
        (name, stream_name, stream.protocol, _words(stream.match))
        for name, tenant in tenants.tenants.items()
        for stream_name, stream in tenant.streams.items()
    ]
    console.print(table(from_rows(("tenant", "stream", "protocol", "requests of"), rows), console.width))
    _line(console, f"{len(rows)} streams of {len(tenants.tenants)} tenants; name a log to see what they claim of it")
    return True


def _words(match: Match) -> str:
    parts = ((field, getattr(match, field)) for field in type(match).model_fields)
    return ", ".join(f"{field} {' or '.join(globs)}" for field, globs in parts if globs) or "any request"


def _write_claims(settings: Settings, tenants: Tenants, files: Sequence[Path], console: Console) -> bool:
    from metrics_lake.io.landing.loose_file import file_at
    from metrics_lake.jobs.claims import claims

    result = claims([file_at(path) for path in files], tenants, settings.haproxy)
    rows = [
        (tenant, stream, protocol, f"{requests:,}", f"{listening:,}", example or "")
        for tenant, stream, protocol, requests, listening, example in result.by_stream.iter_rows()
    ]
    names = ("tenant", "stream", "protocol", "requests", "listening", "for example")
    console.print(table(from_rows(names, rows, ("protocol",)), console.width, "Claimed"))
    if result.unclaimed_count:
        console.print()
        console.print(table(_unclaimed(result.unclaimed), console.width, "Of no stream"))
    requests = result.claimed_count + result.unclaimed_count
    _line(
        console,
        f"{result.line_count:,} lines, {requests:,} of them requests: {result.claimed_count:,} claimed, "
        f"{result.unclaimed_count:,} of no stream",
    )
    idle = [f"{tenant}.{stream}" for tenant, stream, _, requests, *_ in result.by_stream.iter_rows() if not requests]
    if idle and result.claimed_count:
        _line(console, f"nothing in these files is of {', '.join(idle)}")
    if requests and not result.claimed_count:
        _line(console, "no stream claims anything: compare the paths above with `match` in tenants.yaml")
    return not requests or result.claimed_count > 0


def _unclaimed(unclaimed: pl.DataFrame) -> list[Column]:
    shown = unclaimed.head(_PATHS_SHOWN).rows()
    rows = [(frontend or "", start or "(no path)", f"{count:,}") for frontend, start, count in shown]
    rest = unclaimed["requests"].slice(_PATHS_SHOWN).sum()
    if rest:
        rows.append(("", "others", f"{rest:,}"))
    return from_rows(("frontend", "path begins", "requests"), rows)


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
