"""Invents hourly HAProxy logs whose true figures are known: a demo's week, a test's two days, a bench's big week.

Catch: hour by hour, so that memory grows with the sessions, not the lines. Only `generate` touches the disk.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import polars as pl

from metrics_lake.demo import line_text, noise, people, planned_requests, planned_sessions, truth
from metrics_lake.demo.cast import TENANTS, tenants_yaml
from metrics_lake.demo.evidence import Evidence
from metrics_lake.demo.traffic_plan import HOUR_MS, Plan
from metrics_lake.demo.truth import Truth

__all__ = ["Plan", "Truth", "generate", "landing_path"]

PROXY = "edge-01"
OnProgress = Callable[[int, int, int], None]


def generate(plan: Plan, folder: Path, *, on_progress: OnProgress | None = None) -> Truth:
    """Writes landing/, tenants.yaml and truth.json below `folder`; `on_progress` gets the files done, all files, and the lines."""
    planned = planned_sessions.planned(plan)
    line_parts, evidence = line_text.line_parts(planned), Evidence(planned)
    background = noise.messages(plan, people.everyone(plan)["address"], len(planned) // 2)
    line_count = 0
    for hour in range(plan.hours):
        start = plan.starts_ms + hour * HOUR_MS
        requests = planned_requests.of_hour(plan, planned, start)
        evidence.add(requests)
        messages = pl.concat([line_text.messages(requests, line_parts), _within(background, start)])
        _write(folder / landing_path(start + HOUR_MS), _packed(line_text.lines(messages)))
        line_count += len(messages)
        if on_progress:
            on_progress(hour + 1, plan.hours, line_count)
    return _conclude(folder, evidence, line_count, plan.hours)


def landing_path(rotated_ms: int) -> Path:
    """The path of the file that was rotated at this instant: it has the hour before, so 00-00 is in the next day's folder."""
    rotated = datetime.fromtimestamp(rotated_ms / 1000, timezone.utc)
    return Path("landing/haproxy", PROXY, f"{rotated:%Y/%m/%d}", f"haproxy-{rotated:%H}-00.log.gz")


def _within(messages: pl.DataFrame, start: int) -> pl.DataFrame:
    return messages.filter((pl.col("ended_ms") >= start) & (pl.col("ended_ms") < start + HOUR_MS))


def _packed(text: str) -> bytes:
    """gzip without name or time; zlib's own header, as Python's differs between versions."""
    packer = zlib.compressobj(level=1, wbits=31)
    return packer.compress(text.encode()) + packer.flush()


def _conclude(folder: Path, evidence: Evidence, line_count: int, file_count: int) -> Truth:
    sessions = evidence.sessions()
    figures = truth.tenants(sessions, {tenant.key: tenant.timezone for tenant in TENANTS})
    known = Truth(figures, sessions, line_count, file_count)
    _write(folder / "tenants.yaml", tenants_yaml().encode())
    _write(folder / "truth.json", known.to_json().encode())
    return known


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
