"""Whether a stream's checkpoint can be trusted, and how to begin a new one beside a table that holds rows already.

What Spark does with a checkpoint that is lost is to start from the first batch, and everything is in the table twice;
with one that is older than the table, it reads batches anew that Delta then passes over, and rows are lost. So both
are found before Spark starts. The table itself knows which batches it holds: a new checkpoint begins behind them.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from metrics_lake.io.files import write_whole

if TYPE_CHECKING:
    from deltalake import DeltaTable

QUERY, MANIFEST, _START = "query", "manifest", "start.json"
_CHECKED_BYTES = 512  # Hadoop's: one CRC-32 for each piece of a file
_REMEDY = "`metrics-lake ingest --new-epoch` begins a new one behind what bronze holds; nothing is lost or read twice"


class CheckpointError(Exception):
    """A checkpoint can't be trusted; the message names the file and the remedy."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{found}; {_REMEDY}")
        self.found = found


REMEDY = "metrics-lake ingest --new-epoch"


def check(checkpoint: Path, table: str) -> None:
    """Raises CheckpointError if the checkpoint is torn, lost, or not the one that filled the table."""
    newest, query = _newest_batch(checkpoint / MANIFEST), checkpoint / QUERY
    held = _table(table)
    offsets = _whole_log(query / "offsets")
    _whole_log(query / "commits")
    if offsets and offsets[max(offsets)] > newest:
        raise CheckpointError(f"{checkpoint / MANIFEST} is lost: batch {offsets[max(offsets)]} isn't there")
    if held is None or _begun(checkpoint).get("version") == held.version():
        return
    if not query.is_dir():
        raise CheckpointError(f"{query} is lost, although bronze has rows")
    written = held.transaction_version(query_id(query))
    if written is None:
        raise CheckpointError(f"{query} isn't the checkpoint that filled bronze")
    if written > max(offsets, default=-1):
        raise CheckpointError(f"{query} is older than bronze")


def _table(place: str) -> DeltaTable | None:
    from deltalake import DeltaTable  # Spark starts six processes to ask a source questions, and each would load it

    return DeltaTable(place) if DeltaTable.is_deltatable(place) else None


def start(checkpoint: Path) -> int:
    """The batch that a new query begins behind: 0, but after begin_again the last one that the table holds."""
    return int(_begun(checkpoint).get("batch", 0))


def begin_again(checkpoint: Path, table: str, batch: int) -> None:
    """Puts the old query's files aside, and has the next one begin behind a batch, the newest that the table holds."""
    held = _table(table)
    version = held.version() if held else -1
    write_whole(checkpoint / _START, json.dumps({"batch": batch, "version": version}).encode())
    query, number = checkpoint / QUERY, 1
    while (aside := checkpoint / f"{QUERY}-before-{number}").exists():
        number += 1
    if query.exists():
        query.rename(aside)


def _begun(checkpoint: Path) -> dict[str, int]:
    """What begin_again wrote: the batch, and the version that the table had then."""
    file = checkpoint / _START
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        raise CheckpointError(f"{file} is torn") from None


def _newest_batch(folder: Path) -> int:
    """The number of the manifest's newest batch, if none before it is missing."""
    numbers = sorted(int(file.stem) for file in folder.glob("[0-9]*.json"))
    if numbers != list(range(1, len(numbers) + 1)):
        raise CheckpointError(f"{folder} lacks a batch before {numbers[-1]}")
    return len(numbers)


def _whole_log(folder: Path) -> dict[int, int]:
    """Of each file of an offsets or commits log the batch that it names (0 where it names none), if all are whole."""
    found = {}
    for file in folder.glob("[0-9]*"):
        content = file.read_bytes()
        lines = content.decode("utf-8", errors="replace").splitlines()
        try:
            bodies = [json.loads(line) for line in lines[1:] if line != "-"]
        except ValueError:
            bodies = []
        if not _fits_sum(file, content) or not lines or not lines[0].startswith("v") or not bodies:
            raise CheckpointError(f"{file} is torn (its checksum or its form is wrong)")
        found[int(file.name)] = int(bodies[-1].get("batch", 0))
    numbers = sorted(found)
    if numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
        raise CheckpointError(f"{folder} lacks a file before {numbers[-1]}")
    return found


def _fits_sum(file: Path, content: bytes) -> bool:
    """Whether a file is what its checksums were made of; true where it has none."""
    sums = file.with_name(f".{file.name}.crc")
    if not sums.exists():
        return True
    pieces = [content[place : place + _CHECKED_BYTES] for place in range(0, len(content), _CHECKED_BYTES)]
    made = b"crc\0" + struct.pack(">i", _CHECKED_BYTES) + b"".join(struct.pack(">I", zlib.crc32(p)) for p in pieces)
    return sums.read_bytes() == made


def query_id(query: Path) -> str:
    """What Spark calls the query whose checkpoint this is; it stays the same as long as the checkpoint does."""
    file = query / "metadata"
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{file} is torn or lost") from None
