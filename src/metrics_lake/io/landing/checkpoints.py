"""Whether a feed's checkpoint can be trusted, and how to start a new one for a table that has rows already.

With a lost checkpoint Spark starts from the first batch, and every row is in the table twice. With one that is older than
the table it reads batches again that Delta then skips, and rows are lost. So both are detected before Spark starts. The
table itself knows which batches it has: a new checkpoint starts after them.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterable

from metrics_lake.io.lake import delta
from metrics_lake.io.storage.blobs import Blobs, blobs_in

QUERY, MANIFEST, _START = "query", "manifest", "start.json"
_CHECKED_BYTES = 512  # Hadoop's: one CRC-32 for each piece of a file
_REMEDY = (
    "`metrics-lake ingest --reset-checkpoint` starts a new one after the last batch that is in bronze; "
    "nothing is lost or read twice"
)


class CheckpointError(Exception):
    """A checkpoint can't be trusted; the message names the file and the remedy."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; {_REMEDY}")
        self.problem = problem


REMEDY = "metrics-lake ingest --reset-checkpoint"


def check(checkpoint: str, table: str) -> None:
    """Raises CheckpointError if the checkpoint is torn, lost, or not the one that filled the table."""
    files, delta_table = blobs_in(checkpoint), delta.opened(table)
    newest, written = _newest_batch(checkpoint, files), set(files.sizes(QUERY))
    offsets = _whole_log(checkpoint, files, "offsets", written)
    _whole_log(checkpoint, files, "commits", written)
    if offsets and offsets[max(offsets)] > newest:
        raise CheckpointError(f"{checkpoint}/{MANIFEST} is lost: batch {offsets[max(offsets)]} isn't there")
    if delta_table is None or _begun(checkpoint).get("version") == delta_table.version():
        return
    if not written:
        raise CheckpointError(f"{checkpoint}/{QUERY} is lost, although bronze has rows")
    done = delta_table.transaction_version(query_id(checkpoint))
    if done is None:
        raise CheckpointError(f"{checkpoint}/{QUERY} isn't the checkpoint that filled bronze")
    if done > max(offsets, default=-1):
        raise CheckpointError(f"{checkpoint}/{QUERY} is older than bronze")


def start(checkpoint: str) -> int:
    """The batch after which a new query starts: 0, or what reset_checkpoint wrote."""
    return int(_begun(checkpoint).get("batch", 0))


def committed(checkpoint: str) -> int:
    """The newest batch that is in the table, as far as the checkpoint knows."""
    files = blobs_in(checkpoint)
    commits = _numbers(files.sizes(f"{QUERY}/commits"))
    if not commits:
        return start(checkpoint)
    path = f"{QUERY}/offsets/{max(commits)}"
    batch = _batch_of(files.read(path))
    if batch is None:  # callers may ask before `check` has looked at it
        raise CheckpointError(f"{checkpoint}/{path} is torn")
    return batch


def batches_of(checkpoint: str, micro_batch: int) -> tuple[int, int]:
    """Which batches `(after, through]` of the manifest a micro-batch of the query reads."""
    files = blobs_in(checkpoint)
    ends = [_batch_of(files.read(f"{QUERY}/offsets/{number}")) for number in (micro_batch - 1, micro_batch)]
    if ends[1] is None:
        raise CheckpointError(f"{checkpoint}/{QUERY}/offsets/{micro_batch} is torn")
    return start(checkpoint) if ends[0] is None else ends[0], ends[1]


def _batch_of(offset: bytes | None) -> int | None:
    """The batch that an offset names; None where it names none."""
    try:
        return int(json.loads((offset or b"").splitlines()[-1])["batch"])
    except (ValueError, IndexError, KeyError, TypeError):
        return None


def reset_checkpoint(checkpoint: str, table: str, batch: int) -> None:
    """Moves the old query's files aside, and has the next query start after `batch`, the newest that the table has.

    If it is killed between the two, the query is lost although bronze has rows, which `check` reports.
    """
    delta_table, files, number = delta.opened(table), blobs_in(checkpoint), 1
    while files.sizes(f"{QUERY}-before-{number}"):
        number += 1
    files.move(QUERY, f"{QUERY}-before-{number}")
    version = delta_table.version() if delta_table else -1
    files.write(_START, json.dumps({"batch": batch, "version": version}).encode())


def _begun(checkpoint: str) -> dict[str, int]:
    """What reset_checkpoint wrote: the batch, and the version that the table had then."""
    content = blobs_in(checkpoint).read(_START)
    try:
        return {} if content is None else dict(json.loads(content))
    except (ValueError, TypeError):
        raise CheckpointError(f"{checkpoint}/{_START} is torn") from None


def _newest_batch(checkpoint: str, files: Blobs) -> int:
    """The number of the manifest's newest batch, if none before it is missing."""
    numbers = batch_numbers(files.sizes(MANIFEST))
    if numbers != list(range(1, len(numbers) + 1)):
        raise CheckpointError(f"{checkpoint}/{MANIFEST} lacks a batch before {numbers[-1]}")
    return len(numbers)


def batch_numbers(paths: Iterable[str]) -> list[int]:
    """The numbers of a manifest's batches among files, in order."""
    names = (path.rpartition("/")[2] for path in paths)
    return sorted(int(name.removesuffix(".json")) for name in names if re.fullmatch(r"\d+\.json", name))


def _numbers(paths: Iterable[str]) -> dict[int, str]:
    """The files of one of Spark's logs by their numbers."""
    return {int(name): path for path in paths if (name := path.rpartition("/")[2]).isdecimal()}


def _whole_log(checkpoint: str, files: Blobs, name: str, written: set[str]) -> dict[int, int]:
    """Of each file of an offsets or commits log the batch that it names (0 where it names none), if all are whole."""
    folder, batches = f"{QUERY}/{name}", {}
    logged = _numbers(path for path in written if path.startswith(f"{folder}/"))
    for path, read in files.read_all(list(logged.values())):
        content = read or b""
        lines = content.decode("utf-8", errors="replace").splitlines()
        try:
            bodies = [json.loads(line) for line in lines[1:] if line != "-"]
        except ValueError:
            bodies = []
        if not _fits_sum(files, path, content, written) or not lines or not lines[0].startswith("v") or not bodies:
            raise CheckpointError(f"{checkpoint}/{path} is torn (its checksum or its form is wrong)")
        batches[int(path.rpartition("/")[2])] = int(bodies[-1].get("batch", 0))
    numbers = sorted(batches)
    if numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
        raise CheckpointError(f"{checkpoint}/{folder} lacks a file before {numbers[-1]}")
    return batches


def _fits_sum(files: Blobs, path: str, content: bytes, written: set[str]) -> bool:
    """Whether a file is what its checksums were made of; true where it has none, as in Azure."""
    folder, _, name = path.rpartition("/")
    sums = f"{folder}/.{name}.crc"
    if sums not in written:
        return True
    pieces = [content[place : place + _CHECKED_BYTES] for place in range(0, len(content), _CHECKED_BYTES)]
    expected = b"crc\0" + struct.pack(">i", _CHECKED_BYTES) + b"".join(struct.pack(">I", zlib.crc32(p)) for p in pieces)
    return files.read(sums) == expected


def query_id(checkpoint: str) -> str:
    """What Spark calls the query whose checkpoint this is; it stays the same as long as the checkpoint does."""
    try:
        return str(json.loads(blobs_in(checkpoint).read(f"{QUERY}/metadata") or b"")["id"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{checkpoint}/{QUERY}/metadata is torn or lost") from None
