"""Values whose type and edges are known: columns of Parquet and Arrow files, rows of SQLite tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PARQUET, SQLITE, ARROW = b"PAR1", b"SQLite format 3\0", b"ARROW1"
_ROWS = 20_000
Integers = npt.NDArray[np.int64] | npt.NDArray[np.uint64]


@dataclass(frozen=True)
class ColumnValues:
    """Distinct values of one column: texts and byte strings one a line, whole numbers, and values of just four bytes."""

    place: str
    joined: bytes = b""
    integers: Integers | None = None
    fours: tuple[bytes, ...] = ()


def of_parquet(file: BinaryIO) -> Iterator[ColumnValues]:
    """Every column of every row group, unpacked, and what the footer says of them."""
    parquet = pq.ParquetFile(file)
    yield from _footer(parquet.metadata)
    for group in range(parquet.num_row_groups):
        for name in parquet.schema_arrow.names:
            columns = parquet.read_row_group(group, columns=[name])
            for column in columns.columns:
                yield from _column(f"row group {group}, column {name}", column.combine_chunks())


def _footer(metadata: Any) -> Iterator[ColumnValues]:
    pairs = (part for pair in (metadata.metadata or {}).items() for part in pair)
    yield from _plain("footer, key-value metadata", pairs)
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            if column.is_stats_set and column.statistics.has_min_max:
                place = f"footer, statistics of row group {group}, column {column.path_in_schema}"
                yield from _plain(place, (column.statistics.min, column.statistics.max))


def of_arrow(file: BinaryIO) -> Iterator[ColumnValues]:
    """Every column of an Arrow IPC file."""
    reader = pa.ipc.open_file(file)
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            yield from _column(f"batch {number}, column {name}", column)


def of_sqlite(path: Path) -> Iterator[ColumnValues]:
    """Every row of every table, without touching the file or its log."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    database.text_factory = bytes
    try:
        for (raw,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            table = raw.decode(errors="replace")
            rows = database.execute('SELECT * FROM "{}"'.format(table.replace('"', '""')))
            names = [column[0] for column in rows.description]
            while batch := rows.fetchmany(_ROWS):
                for name, column in zip(names, zip(*batch, strict=True), strict=True):
                    yield from _plain(f"table {table}, column {name}", column)
    finally:
        database.close()


def _plain(place: str, values: Iterable[Any]) -> Iterator[ColumnValues]:
    """Python values of any type as one ColumnValues."""
    texts: list[bytes] = []
    integers: list[int] = []
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            integers.append(value)
        elif value is not None:
            texts.append(value if isinstance(value, bytes) else str(value).encode())
    fours = tuple({text for text in texts if len(text) == 4})
    small = [number for number in integers if -(1 << 63) <= number < 1 << 63]
    yield ColumnValues(place, b"\n".join(texts), np.array(small, dtype=np.int64), fours)


def _column(place: str, column: Any) -> Iterator[ColumnValues]:
    """An Arrow array as ColumnValues, whatever it is nested in."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _column(place, column.dictionary)
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            yield from _column(f"{place}.{kind.field(number).name}", column.field(number))
    elif pa.types.is_map(kind):
        yield from _column(f"{place}.key", column.keys)
        yield from _column(f"{place}.value", column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _column(place, column.flatten())
    elif pa.types.is_floating(kind):
        yield ColumnValues(place, integers=_whole(column))
    elif pa.types.is_integer(kind):
        yield ColumnValues(
            place, integers=pc.drop_null(pc.unique(column)).to_numpy(zero_copy_only=False).astype(np.int64)
        )
    elif pa.types.is_boolean(kind) or pa.types.is_temporal(kind) or pa.types.is_null(kind):
        return
    else:
        yield _joined(place, column)


def _whole(column: Any) -> Integers:
    numbers = pc.drop_null(pc.unique(column)).to_numpy(zero_copy_only=False).astype(np.float64)
    whole: Integers = numbers[(numbers == np.floor(numbers)) & (abs(numbers) < 1 << 62)].astype(np.int64)
    return whole


def _joined(place: str, column: Any) -> ColumnValues:
    """Distinct texts and byte strings one a line; anything else (decimals) as text."""
    is_bytes = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
    is_bytes = is_bytes or (pa.types.is_fixed_size_binary(column.type) and not pa.types.is_decimal(column.type))
    distinct = (
        pc.drop_null(pc.unique(column))
        .cast(pa.large_binary() if is_bytes else pa.large_string())
        .cast(pa.large_binary())
    )
    values = distinct.to_pylist()
    return ColumnValues(place, b"\n".join(values), fours=tuple(value for value in values if len(value) == 4))
