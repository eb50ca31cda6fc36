"""Are the figures right? Published rollups against the corpus's truth, and one side's rollups against the other's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_SAME = ("total_sessions", "sessions_completed", "sessions_active", "unique_listeners", "peak_listeners")
_NOT_FIGURES = ("generated_at", "revision", "contract")
_LAST_DIGIT = 2.5e-6
_SECONDS = 0.01  # what is published is rounded to a thousandth of a second and less


@dataclass(frozen=True)
class Verdict:
    """How many things were compared, and those that differ, in words."""

    compared: int
    differences: tuple[str, ...]

    def text(self, what: str) -> str:
        if not self.differences:
            return f"all {self.compared:,} {what} agree"
        shown = "; ".join(self.differences[:3])
        return f"{len(self.differences):,} of {self.compared:,} {what} differ: {shown}"


def against_truth(rollups: Path, truth: Mapping[str, Any]) -> Verdict:
    """Every figure of every tenant, stream and day, and of all days together."""
    compared, differences = 0, []
    for tenant, figures in truth.items():
        buckets = {f"day/{day}": streams for day, streams in figures["days"].items()} | {"all/all": figures["all"]}
        for bucket, streams in buckets.items():
            for stream, expected in streams.items():
                folder = "_all" if stream == "*" else stream
                file = rollups / tenant / folder / f"{bucket}.json"
                published = json.loads(file.read_text()) if file.exists() else {}
                for name, got, due in _pairs(published, expected):
                    compared += 1
                    if got != due:
                        differences.append(f"{tenant} {stream} {bucket} {name}: {got} instead of {due}")
    return Verdict(compared, tuple(differences))


def _pairs(published: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, what was published, what is true."""
    summary = published.get("summary", {})
    for name in _SAME:
        yield name, summary.get(name, 0), expected[name]
    yield "peak_at", _instant(summary.get("peak_at")), _instant(expected["peak_at"])
    seconds = summary.get("total_hours", 0) * 3600
    is_near = abs(seconds - expected["listening_seconds"]) < _SECONDS
    yield "listening_seconds", expected["listening_seconds"] if is_near else seconds, expected["listening_seconds"]
    nothing = [0] * len(expected["session_lengths"])
    lengths = [bucket["sessions"] for bucket in published.get("session_lengths", [])]
    yield "session_lengths", lengths or nothing, expected["session_lengths"]
    yield "excluded", published.get("excluded", {}), dict(expected["excluded"])


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def against_each_other(ours: Path, theirs: Path) -> Verdict:
    """Whole rollups: every period, hour and dimension of them."""
    names = sorted({file.relative_to(side).as_posix() for side in (ours, theirs) for file in side.glob("*/*/*/*.json")})
    unlike = ((name, _unlike(_figures(ours / name), _figures(theirs / name))) for name in names)
    return Verdict(len(names), tuple(f"{name} ({', '.join(parts)})" for name, parts in unlike if parts))


def _figures(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_text()) if file.exists() else {}
    return {name: value for name, value in document.items() if name not in _NOT_FIGURES}


def _unlike(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    return [name for name in {**one, **two} if not _is_near(one.get(name), two.get(name))]


def _is_near(one: Any, two: Any) -> bool:
    """Equal, but for the last of the six digits that are published of a fraction."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_is_near(value, two[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_is_near, one, two))
    if isinstance(one, float) or isinstance(two, float):
        return isinstance(one, int | float) and isinstance(two, int | float) and abs(one - two) < _LAST_DIGIT
    return bool(one == two)
