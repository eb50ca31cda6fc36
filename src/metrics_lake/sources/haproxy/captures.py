"""Which captured request header is which, by frontend and number of captures.

HAProxy writes them without their names. A setting says it; else the values of the file itself do (capture_kinds.py), and
where they don't tell, the usual order of so many headers, if nothing speaks against it. What is never guessed: an agent.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.privacy.redaction import Names
from metrics_lake.sources.haproxy.capture_kinds import ADDRESS, OTHER, Evidence, evidence

HEADERS = ("host", "referer", "user_agent", "x_forwarded_for", "lasting_id")
USUAL: Mapping[int, tuple[str, ...]] = {
    1: ("user_agent",),
    3: ("host", "referer", "user_agent"),
    4: ("host", "referer", "user_agent", "x_forwarded_for"),
}
SETTING, VALUES, NUMBER, UNKNOWN = "by the settings", "by their values", "by their number", "unknown"
COLUMNS = ("captures", "capture_conflicts")  # of a file's row
_KEY = ["file_number", "frontend", "capture_count"]
_FEW = 2  # a frontend has few hosts, and many clients


@dataclass(frozen=True)
class Layout:
    """The headers of a frontend's captures in order, what says so, and what speaks against it."""

    frontend: str | None
    headers: tuple[str, ...]
    origin: str
    conflicts: tuple[str, ...] = ()
    is_final: bool = True  # False if the values of some capture don't tell yet

    @property
    def text(self) -> str:
        """`{host|user_agent} by their values`."""
        return f"{{{'|'.join(self.headers)}}} {self.origin}"


Decided = MutableMapping[tuple[str | None, int], Layout]


@dataclass
class Layouts:
    """The layouts of the files that a worker reads.

    The first piece of a file in which a frontend's values tell decides for the rest of that file, so neither other files
    nor their order matter. `decided` has the newest layouts by path.
    """

    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_behind_proxies: bool = False
    paths: Mapping[int, str] = field(default_factory=dict)
    decided: MutableMapping[str, Decided] = field(default_factory=dict)

    def name(self, captured: pl.DataFrame) -> pl.DataFrame:
        """Adds a column `{header}_place` for each header: the number of its capture, or null. Needs `captures`."""
        counted = captured.with_columns(capture_count=pl.col("captures").list.len().fill_null(0).cast(pl.Int64))
        kinds = counted.select(_KEY).unique().sort(_KEY, nulls_last=True)
        by_kind = evidence(counted, _KEY)
        layouts = [self._layout(row, by_kind.get(row, [])) for row in kinds.rows()]
        places = {
            f"{header}_place": pl.Series([_place(layout, header) for layout in layouts], dtype=pl.Int64)
            for header in HEADERS
        }
        return counted.join(kinds.with_columns(**places), on=_KEY, how="left", nulls_equal=True, maintain_order="left")

    def _layout(self, kind: tuple[int, str | None, int], columns: Sequence[Evidence]) -> Layout:
        number, frontend, count = kind
        path = self.paths.get(number, "")
        known = self.decided.setdefault(path, {})
        before = known.get((frontend, count))
        if frontend is not None and frontend in self.settings:
            layout = _set(frontend, self.settings[frontend], columns)
        elif before is not None and before.is_final:
            layout = Layout(frontend, before.headers, before.origin, _conflicts(before.headers, before.origin, columns))
        else:
            layout = decided(frontend, columns, is_behind_proxies=self.is_behind_proxies)
        if count:
            earlier = before.conflicts if before is not None and before.headers == layout.headers else ()
            conflicts = tuple(dict.fromkeys((*earlier, *layout.conflicts)))
            known[frontend, count] = Layout(frontend, layout.headers, layout.origin, conflicts, layout.is_final)
        return layout


def layouts_of(
    haproxy: Haproxy, paths: Mapping[int, str] | None = None, decided: MutableMapping[str, Decided] | None = None
) -> Layouts:
    """The layouts under these settings, for files with these paths."""
    known: MutableMapping[str, Decided] = {} if decided is None else decided
    return Layouts(haproxy.captures, bool(haproxy.trusted_proxies), paths or {}, known)


def columns_of(layouts: Decided | None, names: Names) -> dict[str, list[str]]:
    """The layouts of a file and what speaks against them, as texts, the frontends redacted."""
    ordered = sorted((layouts or {}).items(), key=lambda item: (item[0][0] or "", item[0][1]))
    shown = [(names.redact_path(frontend or "-"), layout) for (frontend, _), layout in ordered]
    conflicts = [f"{frontend}: {conflict}" for frontend, layout in shown for conflict in layout.conflicts]
    return {"captures": [f"{frontend}: {layout.text}" for frontend, layout in shown], "capture_conflicts": conflicts}


def decided(frontend: str | None, columns: Sequence[Evidence], *, is_behind_proxies: bool = False) -> Layout:
    """The layout that the values of captures tell; one that they don't tell is `other`, and so are those that contradict it."""
    usual = USUAL.get(len(columns), (OTHER,) * len(columns))
    kinds = [_header(column, is_behind_proxies, is_alone=len(columns) == 1) for column in columns]
    fits_usual = len(columns) in USUAL and not any(map(Evidence.contradicts, columns, usual))
    if fits_usual:
        headers = tuple(
            header if _is_plausible(header, column, kinds, at) else OTHER
            for at, (header, column) in enumerate(zip(usual, columns, strict=True))
        )
    else:
        headers = tuple(kind if kind and kinds.index(kind) == at else OTHER for at, kind in enumerate(kinds))
    is_final = all(kinds)
    origin = VALUES if is_final else NUMBER if fits_usual and any(header != OTHER for header in headers) else UNKNOWN
    if origin == UNKNOWN and any(kinds):
        origin = VALUES
    return Layout(frontend, headers, origin, _mixed(columns), is_final)


def _header(column: Evidence, is_behind_proxies: bool, *, is_alone: bool) -> str | None:
    """The header that the values of a capture are of; None if they don't tell."""
    if column.kind != ADDRESS:
        return column.kind
    if is_behind_proxies or column.counts[ADDRESS] > _FEW:
        return "x_forwarded_for"
    return None if is_alone else "host"


def _is_plausible(header: str, column: Evidence, kinds: Sequence[str | None], at: int) -> bool:
    """Whether a capture is the header that stands there usually. An agent of which no value came needs all others to fit."""
    return header != "user_agent" or not column.is_empty or all(kind for n, kind in enumerate(kinds) if n != at)


def _set(frontend: str | None, headers: tuple[str, ...], columns: Sequence[Evidence]) -> Layout:
    conflicts = _conflicts(headers, SETTING, columns)
    if columns and len(headers) != len(columns) and set(headers) != {OTHER}:
        conflicts = (f"the settings name {len(headers)} captures, and lines have {len(columns)}", *conflicts)
    return Layout(frontend, headers, SETTING, conflicts)


def _conflicts(headers: Sequence[str], origin: str, columns: Sequence[Evidence]) -> tuple[str, ...]:
    return tuple(
        f"capture {at} is {header} {origin}, and holds {_shown(str(column.kind))}"
        for at, (header, column) in enumerate(zip(headers, columns, strict=False), 1)
        if header not in (OTHER, "lasting_id", "playback_id") and column.contradicts(header)
    )


def _mixed(columns: Sequence[Evidence]) -> tuple[str, ...]:
    """Says of captures that hold values of several kinds, so that nothing can be told from them."""
    several = [(at, column) for at, column in enumerate(columns, 1) if column.kind is None and len(column.counts) > 1]
    return tuple(
        f"capture {at} holds {' and '.join(_shown(kind) for kind in sorted(column.counts))}" for at, column in several
    )


def _shown(kind: str) -> str:
    return {
        "host": "hosts", "referer": "URLs", "user_agent": "user agents", "x_forwarded_for": "lists of addresses",
        ADDRESS: "addresses",
    }.get(kind, "other values")  # fmt: skip


def _place(layout: Layout, header: str) -> int | None:
    return layout.headers.index(header) if header in layout.headers else None
