"""What is known of the files that a worker reads, beyond the piece that it is parsing: times, and what their captures are."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from metrics_lake.sources.haproxy.captures import Decided

Millis = Callable[[], int | None]


@dataclass
class FileTimes:
    """The path below landing by file number, the last end read and the captures by path, and the time of reading.

    Two lookups by path read landing again, so they run only if the instant of a line depends on them, and only once:
    `to_precede` gives the end of the last line of the previous file, `to_survey` the newest start in the whole of a
    file that is read in several pieces.
    """

    paths: MutableMapping[int, str] = field(default_factory=dict)
    ends: MutableMapping[str, int] = field(default_factory=dict)
    read_ms: int | None = None
    captures: MutableMapping[str, Decided] = field(default_factory=dict)
    to_precede: MutableMapping[str, Millis] = field(default_factory=dict)
    to_survey: MutableMapping[str, Millis] = field(default_factory=dict)

    def read_up_to(self, number: int, end: int) -> None:
        """Records the end of the last line that was read from a file."""
        if path := self.paths.get(number):
            self.ends[path] = end

    def end_so_far(self, number: int) -> int | None:
        """The end of the last line that was read from this file; None before its first line."""
        return self.ends.get(self.paths.get(number, ""))

    def end_before(self, number: int) -> int | None:
        """The end of the last line of the previous file; None if it is unknown."""
        return _answer(self.to_precede, self.paths.get(number, ""))

    def newest_of(self, number: int) -> int | None:
        """The newest start in a whole file; None if it is read in one piece."""
        return _answer(self.to_survey, self.paths.get(number, ""))


def _answer(lookups: MutableMapping[str, Millis], path: str) -> int | None:
    if path not in lookups:
        return None
    answer = lookups[path]()
    lookups[path] = lambda: answer
    return answer
