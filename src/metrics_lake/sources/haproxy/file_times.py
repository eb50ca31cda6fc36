"""What is known of the files that a worker reads, beyond the lines that it has in hand."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

Millis = Callable[[], int | None]


@dataclass
class FileTimes:
    """Where each file lies below landing (by its number), up to which end it was read, and when it is read.

    What costs another look at landing is asked for only where a line's instant depends on it, and once: by path,
    `to_precede` gives the end of the last line of the file before it, `to_survey` the newest start in all of a file that
    is read in several pieces.
    """

    paths: MutableMapping[int, str] = field(default_factory=dict)
    ends: MutableMapping[str, int] = field(default_factory=dict)
    read_ms: int | None = None
    to_precede: MutableMapping[str, Millis] = field(default_factory=dict)
    to_survey: MutableMapping[str, Millis] = field(default_factory=dict)

    def read_up_to(self, number: int, end: int) -> None:
        """Remembers when the last line that was read of a file ended."""
        if path := self.paths.get(number):
            self.ends[path] = end

    def end_so_far(self, number: int) -> int | None:
        """When the line of the same file ended that was read last; None where its first is still to be read."""
        return self.ends.get(self.paths.get(number, ""))

    def end_before(self, number: int) -> int | None:
        """The end of the last line of the file before this one; None where nothing tells."""
        return _answer(self.to_precede, self.paths.get(number, ""))

    def newest_of(self, number: int) -> int | None:
        """The newest start in all of a file, where it is read in several pieces."""
        return _answer(self.to_survey, self.paths.get(number, ""))


def _answer(lookups: MutableMapping[str, Millis], path: str) -> int | None:
    if path not in lookups:
        return None
    answer = lookups[path]()
    lookups[path] = lambda: answer
    return answer
