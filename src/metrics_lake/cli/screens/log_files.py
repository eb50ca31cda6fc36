"""The log files that words of a command line name: files, all files below folders, and standard input."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from metrics_lake.config.settings import SettingsError
from metrics_lake.io.landing.local_landing import LocalLanding

STDIN = "-"


def log_files(words: Iterable[str]) -> list[str]:
    """The paths of the files, in order. Raises SettingsError for what isn't there, and for a folder without files."""
    return [path for word in words for path in _files(word)]


def _files(word: str) -> list[str]:
    if word == STDIN:
        return [word]
    path = Path(word)
    if not path.exists():
        raise SettingsError(f"no file or folder {word}")
    if not path.is_dir():
        return [word]
    files = [str(file) for file in LocalLanding(path).files("")]
    if not files:
        raise SettingsError(f"no log file below the folder {word}")
    return files
