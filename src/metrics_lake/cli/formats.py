"""`metrics-lake formats check|detect`: what a log-format reads from a file's first lines, and which format a file has."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from isal import igzip

from metrics_lake.settings import SettingsError


def first_lines(file: str, count: int) -> list[str]:
    """The first lines of a log, packed or not."""
    path = Path(file)
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
        opened = igzip.open(path, "rb") if is_packed else path.open("rb")  # type: ignore[no-untyped-call]
        with opened as lines:
            return [line.decode("utf-8", errors="replace").rstrip("\r\n") for line in islice(lines, count)]
    except (OSError, EOFError) as error:
        raise SettingsError(f"{path} can't be read: {type(error).__name__}") from None
