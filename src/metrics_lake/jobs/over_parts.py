"""The seam between the engines: one function over each part of some rows, in this process or by Spark's workers.

What it makes of a part are small frames. Workers send them back by name, in Arrow's own bytes, so that one job of Spark brings
all frames of all parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Frames = dict[str, pl.DataFrame]
Key = tuple[Any, ...]
Compute = Callable[[Key, pl.DataFrame], Frames]
_FRAME = pa.schema([("part", pa.string()), ("name", pa.string()), ("content", pa.binary())])
_FRAME_DDL = "part STRING, name STRING, content BINARY"
_PARTS_AT_ONCE = 2  # each is many small steps, most of which run in one thread


def over_parts(rows: pl.DataFrame | DataFrame, by: Sequence[str], compute: Compute) -> Frames:
    """What `compute` makes of the rows that are alike in `by`, given these values: frames of one name come as one."""
    by_name: dict[str, list[pl.DataFrame]] = {}
    frames = _in_this_process(rows, by, compute) if isinstance(rows, pl.DataFrame) else _by_spark(rows, by, compute)
    for name, frame in frames:
        by_name.setdefault(name, []).append(frame)
    return {name: pl.concat(parts) for name, parts in by_name.items()}


def _in_this_process(rows: pl.DataFrame, by: Sequence[str], compute: Compute) -> Iterator[tuple[str, pl.DataFrame]]:
    parts = rows.partition_by(by, as_dict=True)
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as threads:
        for frames in threads.map(lambda key: compute(key, parts[key]), sorted(parts)):
            yield from frames.items()


def _by_spark(rows: DataFrame, by: Sequence[str], compute: Compute) -> Iterable[tuple[str, pl.DataFrame]]:
    def on_worker(key: Key, part: pa.Table) -> pa.Table:
        values = tuple(value.as_py() for value in key)
        return _packed("|".join(map(str, values)), compute(values, as_polars(part)))

    packed = rows.groupBy(*by).applyInArrow(on_worker, _FRAME_DDL).toArrow().sort_by("part")
    return [(row["name"], pl.read_ipc_stream(row["content"])) for row in packed.to_pylist()]


def as_polars(rows: pa.Table) -> pl.DataFrame:
    """Arrow's rows as a frame."""
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _packed(part: str, frames: Frames) -> pa.Table:
    rows = [{"part": part, "name": name, "content": _bytes(frame)} for name, frame in frames.items()]
    return pa.Table.from_pylist(rows, schema=_FRAME)


def _bytes(frame: pl.DataFrame) -> bytes:
    content = BytesIO()
    frame.write_ipc_stream(content)
    return content.getvalue()
