"""A lake as ingest leaves it, made without Spark: bronze, manifest, and the checkpoint of a stream."""

from __future__ import annotations

import json
import struct
import zlib
from datetime import timedelta
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, Transaction, write_deltalake

from metrics_lake.bronze.haproxy import FEED, TABLE
from metrics_lake.config.settings import Rules
from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.model.arrow import arrow_schema, fitted
from tests.unit.sources.haproxy.logs import NOON, InMemoryFile, hasher_of, line, rules_of, text

QUERY_ID = "5ec7e1f0-0000-4000-8000-000000000001"


def with_sum(file: Path, content: str) -> None:
    """A file as Hadoop writes it, its checksums beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode()
    file.write_bytes(raw)
    sums = b"".join(struct.pack(">I", zlib.crc32(raw[at : at + 512])) for at in range(0, len(raw), 512))
    file.with_name(f".{file.name}.crc").write_bytes(b"crc\0" + struct.pack(">i", 512) + sums)


def write(lake: Path, batches: int = 2, *, first: int = 0, hours_apart: int = 1, captures: str | None = None) -> Path:
    """Batches `first` and on of one file each, taken in below `lake`; returns the checkpoint. Needs METRICS_LAKE_SECRET."""
    for number in range(first, first + batches):
        hour = number * hours_apart
        content = text([line(hour * 3600 + n, captures=captures) for n in range(3)])
        rotated = NOON + timedelta(hours=hour + 1)
        take_in(lake, number, content, f"haproxy/edge-01/haproxy.log-{rotated:%Y%m%d-%H}", rules_of())
    return lake / "_checkpoints" / "ingest_haproxy"


def take_in(lake: Path, number: int, content: bytes, path: str, rules: Rules) -> None:
    """Batch `number` (from 0), one file, taken in below `lake`. Needs METRICS_LAKE_SECRET."""
    checkpoint, schema = lake / "_checkpoints" / "ingest_haproxy", arrow_schema(TABLE)
    with_sum(checkpoint / "query" / "metadata", json.dumps({"id": QUERY_ID}))
    file = InMemoryFile(content, path, batch_number=number + 1)
    rows = pl.concat(pl.from_arrow(fitted(frame, schema)) for frame in FEED.parse([file], rules, hasher_of(rules)))
    noted = CommitProperties(app_transactions=[Transaction(QUERY_ID, number)])
    write_deltalake(str(lake / TABLE.path), rows.to_arrow(), mode="append", commit_properties=noted)
    Manifest(checkpoint / "manifest").add("landing", [file.entry], {})
    with_sum(checkpoint / "query" / "offsets" / str(number), f'v1\n{{"conf":{{}}}}\n{{"batch": {number + 1}}}')
    with_sum(checkpoint / "query" / "commits" / str(number), 'v1\n{"nextBatchWatermarkMs":0}')
