"""The error for a log-format string; it shows the position of the problem."""

from __future__ import annotations

from metrics_lake.config.settings import SettingsError

_SHOWN = 72


class FormatError(SettingsError):
    """A log-format string can't be compiled. The message shows the string with a caret under the position."""

    def __init__(self, problem: str, text: str, at: int, *, remedy: str = "") -> None:
        self.problem, self.at = problem, at
        start = max(0, at - _SHOWN // 2)
        excerpt = text[start : start + _SHOWN].replace("\t", " ").replace("\n", " ")
        lead = "…" if start else ""
        tail = "…" if start + _SHOWN < len(text) else ""
        caret = " " * (len(lead) + at - start) + "^"
        advice = f"; {remedy}" if remedy else ""
        self._details = (problem, text, at, remedy)
        super().__init__(
            f"{problem} at character {at + 1} of the log-format{advice}\n  {lead}{excerpt}{tail}\n  {caret}"
        )

    def within(self, place: str) -> FormatError:
        """The same error, with the name of the setting."""
        problem, text, at, remedy = self._details
        return FormatError(f"{place}: {problem}", text, at, remedy=remedy)
