"""The account of a file while its lines are parsed, and the rows of bronze.files that it becomes: one for each proxy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from metrics_lake.config.settings import Rules
from metrics_lake.privacy.redaction import Names
from metrics_lake.sources.file_names import named_at
from metrics_lake.sources.haproxy.captures import COLUMNS as CAPTURES
from metrics_lake.sources.haproxy.captures import Decided, columns_of
from metrics_lake.sources.haproxy.proxies import HEADER, Choice
from metrics_lake.sources.landed_file import READ, InputFile

FILE = "file"
KINDS = ("accepted", "reject", "unclaimed", "skipped")
_TYPES = {
    **dict.fromkeys(("header_hosts", *CAPTURES), pl.List(pl.String)),
    "first_ms": pl.Int64(),
    "last_ms": pl.Int64(),
}


@dataclass
class Tally:
    """The lines of one proxy in a file: how many, by class, and when the first and the last of its requests ended."""

    line_count: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    first_ms: int | None = None
    last_ms: int | None = None

    def extend(self, low: int | None, high: int | None) -> None:
        """Takes in the ends of a first and a last request."""
        self.first_ms = min((ms for ms in (self.first_ms, low) if ms is not None), default=None)
        self.last_ms = max((ms for ms in (self.last_ms, high) if ms is not None), default=None)

    def add(self, other: Tally) -> None:
        """Takes in the lines of another tally."""
        self.line_count += other.line_count
        self.extend(other.first_ms, other.last_ms)
        for kind, line_count in other.counts.items():
            self.counts[kind] += line_count


@dataclass
class Account:
    """The counts and times of a file by host, updated while its lines are parsed; None is the host of lines without one."""

    file: InputFile
    choice: Choice
    status: str = READ
    reason: str | None = None
    host: str | None = None  # the main one, where lines count for the host in their header
    hosts: set[str] = field(default_factory=set)  # in the headers of the first lines
    line_count: int = 0
    tallies: dict[str | None, Tally] = field(default_factory=dict)

    def tally(self, host: str | None = None) -> Tally:
        """The tally of a host."""
        return self.tallies.setdefault(host, Tally())

    @property
    def first_ms(self) -> int | None:
        """When the first request of the file ended."""
        return min((tally.first_ms for tally in self.tallies.values() if tally.first_ms is not None), default=None)

    def dated_ms(self, rules: Rules) -> int:
        """An instant of the file's day: its first request's; without one the hour in its name, else when it was read."""
        if self.first_ms is not None:
            return self.first_ms
        named = named_at(self.file.entry.path, rules.haproxy.timezone)
        return round(named.timestamp() * 1000) if named else rules.read_ms or 0

    def proxy(self, host: str | None, names: Names) -> str:
        """The proxy that lines of a host count for, as it may be written."""
        host = host or self.host
        return names.redact_path(host) if host else self.choice.name


def file_rows(accounts: Iterable[Account], names: Names, captures: Mapping[str, Decided], rules: Rules) -> pl.DataFrame:
    """A row for each file and proxy. `captures` has by path what was decided of a file's captures."""
    rows = [
        {
            **row,
            "dated_ms": row["first_ms"] or account.dated_ms(rules),
            **columns_of(captures.get(account.file.true_path), names),
        }
        for account in accounts
        for row in _rows(account, names)
    ]
    frame = pl.DataFrame(rows, schema_overrides=_TYPES, infer_schema_length=None)
    times = {
        f"{name}_logged_at": pl.from_epoch(f"{name}_ms", time_unit="ms").dt.replace_time_zone("UTC")
        for name in ("first", "last")
    }
    day = pl.from_epoch("dated_ms", time_unit="ms").dt.date()
    return frame.with_columns(happened_on=day, **times).drop("first_ms", "last_ms", "dated_ms")


def _rows(account: Account, names: Names) -> Iterator[dict[str, object]]:
    entry, by_proxy = account.file.entry, dict[str, Tally]()
    for host, tally in sorted(account.tallies.items(), key=lambda item: item[0] or "") or [(None, Tally())]:
        by_proxy.setdefault(account.proxy(host, names), Tally()).add(tally)
    for proxy, tally in by_proxy.items():
        yield {
            "row_kind": FILE,
            "batch_number": account.file.batch_number,
            "file_id": entry.file_id,
            "path": entry.path,
            "size_bytes": entry.size_bytes,
            "content_hash": entry.content_hash,
            "status": account.status,
            "reason": account.reason,
            "proxy": proxy,
            "proxy_reason": HEADER if account.host else account.choice.reason,
            "header_hosts": sorted(map(names.redact_path, account.hosts)),
            "first_ms": tally.first_ms,
            "last_ms": tally.last_ms,
            "line_count": tally.line_count,
            **{f"{kind}_count": line_count for kind, line_count in tally.counts.items()},
        }
