"""Parses lines as from a file, and gives the class of each, for the tests of log formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from metrics_lake.config.places import Places
from metrics_lake.config.settings import Haproxy, Privacy, Rules, Sessions
from metrics_lake.config.tenants import Tenants
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.sources.haproxy import clock, line_classes, log_lines, unwrapping
from metrics_lake.sources.haproxy.formats.parsing import parse_lines

SHOWN = (
    "address", "at", "duration_ms", "is_early", "status", "size", "method", "frontend", "host", "path", "referer",
    "user_agent", "lasting_id", "is_closed", "is_tcp", "is_time_doubtful",
)  # fmt: skip
PATH = "haproxy/edge-01/haproxy.log"
READ_MS = 1_800_000_000_000  # 2027: after all lines of the golden cases but those that can't be
HASHER = Hasher(bytes(range(32)))


def text_of(data: bytes) -> str:
    """The bytes of a file as its reader decodes them."""
    text = data.decode("utf-8", errors="replace").replace("\0", "").removeprefix("\ufeff")
    return text.removesuffix("\n")


def numbered(data: bytes) -> pl.DataFrame:
    return log_lines.number_lines({0: text_of(data)}, {0: 1})


def rules(haproxy: Haproxy) -> Rules:
    everything = {"t1": {"name": "T1", "timezone": "UTC", "streams": {"all": {"protocol": "icecast", "match": {}}}}}
    return Rules(
        tenants=Tenants.model_validate({"tenants": everything}),
        haproxy=haproxy,
        sessions=Sessions(),
        privacy=Privacy(),
        places=Places(),
    )


def accounts(data: bytes, haproxy: Haproxy, path: str = PATH) -> dict[int, str]:
    """What became of each line: `request`, `skipped`, `unclaimed` or the reason of its reject."""
    files = clock.FileTimes(paths={0: path}, read_ms=READ_MS)
    unfinished = set() if data.endswith(b"\n") else {0}
    frame = numbered(data)
    classified = line_classes.classify_lines(frame, rules(haproxy), HASHER, unfinished=unfinished, files=files)
    class_by_line = dict.fromkeys(frame["line_number"].to_list(), "request")
    class_by_line |= dict.fromkeys(classified.skipped["line_number"].to_list(), "skipped")
    class_by_line |= dict.fromkeys(classified.unclaimed["line_number"].to_list(), "unclaimed")
    extra = classified.unwrapped["extra"].sum()  # lines beyond the first of a record, all of them requests here
    requests = sum(account == "request" for account in class_by_line.values()) - classified.rejects.height
    assert classified.accepted.height == requests + extra
    return class_by_line | dict(classified.rejects.select("line_number", "reason").rows())


def requests_of(data: bytes, haproxy: Haproxy, path: str = PATH) -> dict[int, dict[str, Any]]:
    """The requests that were read, by line, with the address as it will be hashed."""
    read, _ = parse_lines(unwrapping.unwrap(numbered(data)), haproxy, {0: path})
    located = line_classes._located(read, haproxy, HASHER.line_seed)
    timed = clock.to_utc(located, haproxy.timezone).with_columns(
        at=pl.from_epoch("accepted_ms", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    )
    rows = timed.sort("line_number").select("line_number", *SHOWN).iter_rows(named=True)
    return {row.pop("line_number"): row for row in rows}


@pytest.fixture
def read() -> Callable[..., list[dict[str, Any]]]:
    """Reads texts as the lines of one file and gives the requests among them; settings by name."""

    def reading(*texts: str, **settings: Any) -> list[dict[str, Any]]:
        data = "".join(f"{text}\n" for text in texts).encode()
        return list(requests_of(data, Haproxy(**settings)).values())

    return reading


@pytest.fixture
def sort_out() -> Callable[..., list[str]]:
    """Sorts texts out as the lines of one file and gives the account of each; settings by name."""

    def sorting(*texts: str, **settings: Any) -> list[str]:
        data = "".join(f"{text}\n" for text in texts).encode()
        return list(accounts(data, Haproxy(**settings)).values())

    return sorting


@pytest.fixture
def file_accounts() -> Callable[..., dict[int, str]]:
    return accounts


@pytest.fixture
def file_requests() -> Callable[..., dict[int, dict[str, Any]]]:
    return requests_of


@pytest.fixture
def make_rules() -> Callable[[Haproxy], Rules]:
    return rules
