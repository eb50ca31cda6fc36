"""The one streaming Data Source: landing files in, rows of a bronze table out, for whatever feed names itself.

Its offsets are numbers of batches in a manifest (io/landing/manifest.py). Files of a batch are grouped by bytes into few
partitions; each worker unpacks and reads its own. A reader is pickled to the workers, so it has paths and numbers
only; the secret comes from the worker's environment or a file. Spark asks it questions in processes of their own, one
after the other, so what only reading needs is imported where it reads.
"""

from __future__ import annotations

import importlib
import io
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isal import igzip, isal_zlib
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition

from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.sources.landed_file import FileEntry, InputFile, UnreadableFile

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "metrics_lake_landing"
GZIP = b"\x1f\x8b"
PIECE_BYTES = 16 << 20
_WHOLE_BYTES = 8 << 20  # packed files up to this size are unpacked in memory, larger ones are checked and read again
_PARTITION_BYTES, _LAST_BYTES = 4 << 20, 1 << 20


@dataclass(frozen=True)
class LandedFile:
    """A file of a batch on a local disk."""

    root: str
    entry: FileEntry
    batch_number: int
    redact_path: Callable[[str], str]

    @cached_property
    def true_path(self) -> str:
        """See InputFile.true_path: where a part holds a mark, it is the one that would be redacted to that."""
        place = Path(self.root)
        for part in self.entry.path.split("/"):
            alike = (
                (path.name for path in place.iterdir() if self.redact_path(path.name) == part) if "<" in part else ()
            )
            place /= next(iter(alike), part)
        return place.relative_to(self.root).as_posix()

    def pieces(self) -> Iterator[bytes]:
        """See InputFile.pieces."""
        try:
            path = Path(self.root, self.true_path)
            with path.open("rb") as file:
                is_packed = file.read(2) == GZIP
            if not is_packed and path.suffix == ".gz" and path.stat().st_size:
                raise UnreadableFile("not_gzip")
            yield from whole_lines(self._unpacked(path)) if is_packed else whole_lines(_read(path))
        except FileNotFoundError:
            raise UnreadableFile("vanished") from None
        except PermissionError:
            raise UnreadableFile("not_permitted") from None

    def before(self) -> LandedFile | None:
        """See InputFile.before."""
        from metrics_lake.io.landing.local_landing import is_unfinished

        try:
            path = Path(self.root, self.true_path)
            files = (file for file in path.parent.iterdir() if file.name < path.name and not is_unfinished(file.name))
            previous = max((file for file in files if file.is_file()), default=None)
            size = previous.stat().st_size if previous else 0
        except OSError:
            return None
        if previous is None:
            return None
        return replace(
            self, entry=FileEntry(self.redact_path(previous.relative_to(self.root).as_posix()), size, "", "")
        )

    def _unpacked(self, path: Path) -> Iterator[bytes]:
        if self.entry.size_bytes <= _WHOLE_BYTES:
            content = _unpack(path.read_bytes())
            return iter([content])
        for _ in _unpack_stream(path):
            pass  # a cut or damaged file shows before its first line is taken
        return _unpack_stream(path)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _unpack(content: bytes) -> bytes:
    return b"".join(unpacked_pieces(io.BytesIO(content)))


def _unpack_stream(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from unpacked_pieces(file)


def unpacked_pieces(file: Any) -> Iterator[bytes]:
    try:
        with igzip.GzipFile(fileobj=file) as unpacked:  # type: ignore[no-untyped-call]
            while piece := unpacked.read(PIECE_BYTES):
                yield piece
    except EOFError:
        raise UnreadableFile("gzip_truncated") from None
    except (igzip.BadGzipFile, OSError, ValueError):
        raise UnreadableFile("gzip_damaged") from None
    except isal_zlib.error:  # type: ignore[misc]
        raise UnreadableFile("gzip_damaged") from None


def whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, each piece but the last ending where a line ends."""
    rest = b""
    for piece in pieces:
        head, newline, tail = (rest + piece).rpartition(b"\n")
        rest = tail
        if newline:
            yield head + newline
    if rest:
        yield rest


def _kind(root: str) -> Callable[..., InputFile]:
    """How files below this root are read; without Azure none of its packages is loaded."""
    if not is_azure(root):
        return LandedFile
    from metrics_lake.io.landing.azure_landing import LandedBlob

    return LandedBlob


@dataclass
class FilesPartition(InputPartition):
    """Some files of one batch, as places in its list."""

    batch_number: int
    places: tuple[int, ...]


class ReadingFailed(Exception):
    """Files of a batch could not be read; the message says what failed and where in the code, and quotes no data."""


def _message_of(error: Exception) -> str:
    """The text of our own errors; of others, which may quote a line, only their type and place in the code."""
    from metrics_lake.privacy.redaction import without_addresses

    if type(error).__module__.startswith("metrics_lake"):
        return without_addresses(str(error))
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames[-3:]]
    return f"{type(error).__name__} in {' < '.join(reversed(places))}"


class LandingReader(DataSourceStreamReader):
    """Offsets are `{"batch": n}`: everything up to batch n has been read."""

    def __init__(self, options: dict[str, str]) -> None:
        self._manifest_folder, self._feed = options["manifest"], options["feed"]
        self._after = int(options.get("after", "0"))

    @property
    def _manifest(self) -> Manifest:
        return Manifest(self._manifest_folder)

    def initialOffset(self) -> dict[str, int]:  # noqa: N802
        return {"batch": self._after}

    def latestOffset(self) -> dict[str, int]:  # noqa: N802
        return {"batch": self._manifest.last_number}

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> list[InputPartition]:
        return [
            FilesPartition(number, places)
            for number in range(start["batch"] + 1, end["batch"] + 1)
            for places in grouped([entry.size_bytes for entry in self._manifest.batch(number).entries])
        ]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        from metrics_lake.config.secrets import read_secret
        from metrics_lake.model.arrow import arrow_schema, fitted
        from metrics_lake.privacy import salts
        from metrics_lake.privacy.hashing import Hasher
        from metrics_lake.privacy.redaction import Names, decrypted

        assert isinstance(partition, FilesPartition)
        batch, feed = self._manifest.batch(partition.batch_number), importlib.import_module(self._feed).FEED
        rules = decrypted(batch.rules)
        secret = read_secret(rules.privacy.secret_file)
        redact_path = Names(secret).redact_path
        kind = _kind(batch.root)
        files = [kind(batch.root, batch.entries[place], batch.number, redact_path) for place in partition.places]
        schema = arrow_schema(feed.table)
        try:
            hasher = Hasher(secret, salts.read(rules.privacy.keys_file))
            for frame in feed.parse(files, rules, hasher):
                yield from fitted(frame, schema).to_batches()
        except Exception as error:  # Spark writes it into logs, and it may quote a line
            raise ReadingFailed(_message_of(error)) from None

    def commit(self, end: dict[str, int]) -> None:
        """Nothing to release: the manifest keeps what was read."""


class Landing(DataSource):
    """Spark's door to LandingReader. Options: `manifest` (a folder), `feed` (a bronze module with a FEED),
    `after` (the batch after which a new checkpoint starts).

    Whoever reads from it states the schema: the columns of the feed's table.
    """

    @classmethod
    def name(cls) -> str:
        return FORMAT

    def streamReader(self, schema: Any) -> LandingReader:  # noqa: N802
        return LandingReader(dict(self.options))


def grouped(sizes: list[int]) -> list[tuple[int, ...]]:
    """Places of files in their order, in groups of some megabytes: one file a group would cost more than its reading.

    Towards the end groups are smaller, so that no core is left with a large one while the others have nothing to do.
    """
    groups: list[list[int]] = []
    room, left = 0, sum(sizes)
    for place, size in enumerate(sizes):
        if room <= 0:
            groups.append([])
            room = min(_PARTITION_BYTES, max(left // 4, _LAST_BYTES))
        groups[-1].append(place)
        room, left = room - size, left - size
    return [tuple(group) for group in groups]
