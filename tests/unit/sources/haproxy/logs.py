"""Small logs for tests: lines as HAProxy writes them, landed files, and the rows that `parse` makes from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from metrics_lake.bronze.haproxy import FEED, TABLE
from metrics_lake.config.secrets import read_secret
from metrics_lake.config.settings import Privacy, Rules, Settings, rules
from metrics_lake.config.tenants import Tenants
from metrics_lake.model.arrow import arrow_schema, fitted
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.sources.landed_file import FileEntry

SECRET = "5e" * 31 + "c7"
NOON = datetime(2001, 1, 15, 12)
TENANTS = Tenants.model_validate(
    {
        "tenants": {
            "acme": {
                "name": "Acme", "timezone": "UTC",
                "streams": {
                    "live": {"protocol": "hls", "match": {"path": "/acme/live/*"}},
                    "fm": {"protocol": "icecast", "match": {"path": "/acme.mp3"}},
                },
            }
        }
    }
)  # fmt: skip


def line(
    at: float = 0, path: str = "/acme/live/1.ts", *, address: str = "192.0.2.7", agent: str = "VLC/3.0.20",
    timers: str = "0/0/1/5/40", status: int = 200, size: str = "1000", method: str = "GET", frontend: str = "fe",
    captures: str | None = None, prefix: str = "", version: str = " HTTP/1.1",
) -> str:  # fmt: skip
    """A line of `option httplog`, `at` seconds after noon of 15 January 2001."""
    stamp = (NOON + timedelta(seconds=at)).strftime("%d/%b/%Y:%H:%M:%S.%f")[:-3]
    captured = f"{{{agent}}}" if captures is None else captures
    return (
        f"{prefix}{address}:4711 [{stamp}] {frontend} be/s1 {timers} {status} {size} - - ---- 9/8/7/6/0 0/0 "
        f'{captured} "{method} {path}{version}"'
    )


@dataclass(frozen=True)
class InMemoryFile:
    """A landed file in memory."""

    content: bytes
    path: str = "haproxy/edge-01/2001/01/15/haproxy-13-00.log"
    is_duplicate: bool = False
    batch_number: int = 1
    redacted_path: str | None = None
    earlier: InMemoryFile | None = None

    @property
    def true_path(self) -> str:
        return self.path

    @property
    def entry(self) -> FileEntry:
        digest = hashlib.sha256(self.content).hexdigest()
        return FileEntry(
            self.redacted_path or self.path, len(self.content), digest, "2001-01-15T13:00:00+00:00", self.is_duplicate
        )

    def pieces(self) -> Iterator[bytes]:
        if self.content:
            yield self.content

    def before(self) -> InMemoryFile | None:
        return self.earlier


def rules_of(tenants: Tenants = TENANTS, **settings: Any) -> Rules:
    """Settings as `rules_of(haproxy={"timezone": "Europe/Berlin"})`."""
    privacy = {"secret_file": "there-is-none", **settings.pop("privacy", {})}
    return rules(Settings.model_validate({"privacy": Privacy(**privacy), **settings}), tenants)


def hasher_of(rules: Rules) -> Hasher:
    """What a worker hashes with under these rules. Needs METRICS_LAKE_SECRET."""
    return Hasher(read_secret(rules.privacy.secret_file), salts.read(rules.privacy.keys_file))


@dataclass(frozen=True)
class Read:
    """Rows of bronze by their kind."""

    frame: pl.DataFrame

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return self.frame.filter(pl.col("row_kind") == kind).to_dicts()

    @property
    def visits(self) -> list[dict[str, Any]]:
        return self.rows("visit")

    @property
    def rejects(self) -> dict[int, str]:
        """Line number to reason."""
        return {row["line_number"]: row["reason"] for row in self.rows("reject")}

    @property
    def files(self) -> list[dict[str, Any]]:
        return self.rows("file")

    @property
    def accounts(self) -> dict[str, int]:
        """The counts of the only file, without zeros."""
        [file] = self.files
        names = ("accepted", "reject", "unclaimed", "skipped")
        return {name: file[f"{name}_count"] for name in names if file[f"{name}_count"]}


def parse(*files: Any, rules: Rules | None = None) -> Read:
    """What the source makes of files, as the rows that Spark would be handed. Needs METRICS_LAKE_SECRET."""
    input_files = [InMemoryFile(file) if isinstance(file, bytes) else file for file in files]
    used = rules or rules_of()
    schema = arrow_schema(TABLE)
    tables = [pl.from_arrow(fitted(frame, schema)) for frame in FEED.parse(input_files, used, hasher_of(used))]
    return Read(pl.concat(tables) if tables else pl.from_arrow(schema.empty_table()))


def text(lines: Iterable[str], *, end: str = "\n", last: str = "\n") -> bytes:
    lines = list(lines)
    return (end.join(lines) + (last if lines else "")).encode()
