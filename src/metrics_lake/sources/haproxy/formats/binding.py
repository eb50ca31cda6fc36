"""Assigns formats to files by the settings: globs on the path below landing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy.formats.builtin import AUTO, SLOWER, built_in, known_name
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError


@dataclass(frozen=True)
class Bindings:
    """Globs, each with the formats of the files that match."""

    patterns: tuple[tuple[str, tuple[Format, ...]], ...]

    def formats_for(self, path: str) -> tuple[Format, ...]:
        """The formats to try first on the lines of a file; lines that they can't parse are then read as `auto`."""
        return tuple(form for glob, forms in self.patterns if _matches(glob, path) for form in forms)


def bound(haproxy: Haproxy) -> Bindings:
    """Compiles the formats in the settings. FormatError (a SettingsError) names the glob and shows the position."""
    return _bound(json.dumps([haproxy.formats, haproxy.samples]))


@lru_cache(maxsize=16)
def _bound(settings: str) -> Bindings:
    formats, samples = json.loads(settings)
    return Bindings(tuple((glob, tuple(_compiled(glob, texts, samples))) for glob, texts in formats.items()))


def _compiled(glob: str, texts: list[str], samples: dict[str, str]) -> Iterator[Format]:
    for text in texts:
        name = known_name(text)
        if name is None:
            try:
                yield compiled(text, mapped=samples, name=glob)
            except FormatError as error:
                raise error.within(f"haproxy.formats[{glob!r}]") from None
        elif name != AUTO and name in SLOWER:
            yield built_in(name)


def _matches(glob: str, path: str) -> bool:
    """Whether a glob matches the path below landing or below haproxy/, one of its folders, or the file's name."""
    glob = glob.strip("/")
    below = path.partition("/")[2] or path
    names = (path, below, path.rpartition("/")[2])
    return any(fnmatchcase(name, glob) for name in names) or any(
        fnmatchcase(name, f"{glob}/*") for name in (path, below)
    )
