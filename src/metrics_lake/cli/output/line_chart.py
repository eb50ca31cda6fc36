"""A chart of two lines for terminals of any width. They differ without colour too: an area for averages, a line for peaks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import plotext
from rich.text import Text

from metrics_lake.cli.output.consoles import is_unicode

_FEWEST = 2  # points that a chart is drawn of: fewer are read faster in the table
_HEIGHT = 14
_MOST_WIDTH = 160
_TICK_ROOM = 3  # blanks between two labels of the axis
_Markers = tuple[str, str]
_UNICODE: _Markers = ("░", "braille")
_ASCII: _Markers = (".", "*")


def line_chart(
    labels: Sequence[str], area: Sequence[float | None], line: Sequence[float | None], names: _Markers, width: int
) -> Text | None:
    """`area` and `line` over `labels`; None if there are too few points. An empty `line` is left out, a None is a gap.

    `names` are those of area and line in the legend.
    """
    if len(labels) < _FEWEST:
        return None
    width = min(width, _MOST_WIDTH)
    plotext.clear_figure()
    plotext.limit_size(False, False)  # to the terminal: the caller knows its width
    plotext.theme("clear")
    plotext.plotsize(width, _HEIGHT)
    markers = _UNICODE if is_unicode() else _ASCII
    for values, name, marker, is_filled in zip((area, line), names, markers, (True, False), strict=True):
        for number, part in enumerate(_known_parts(values)):
            label = None if number else name
            plotext.plot(*zip(*part, strict=True), label=label, marker=marker, fillx=is_filled)
    plotext.xlim(0, len(labels) - 1)
    plotext.xticks(*_ticks(labels, width))
    plotext.ylim(0, max([1.0, *_numbers(area), *_numbers(line)]))
    return _trimmed(plotext.build())


def _known_parts(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Places and values without the unknown ones, in stretches that have none between them."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    stretches = groupby(enumerate(known), lambda item: item[1][0] - item[0])
    return [[point for _, point in stretch] for _, stretch in stretches]


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _ticks(labels: Sequence[str], width: int) -> tuple[list[int], list[str]]:
    """As many labels as the width has room for."""
    room = max(1, width // (max(map(len, labels)) + _TICK_ROOM))
    places = list(range(0, len(labels), -(-len(labels) // room)))
    return places, [labels[place] for place in places]


def _trimmed(chart: str) -> Text:
    lines = Text.from_ansi(chart).plain.splitlines()
    return Text("\n".join(line.rstrip() for line in lines), no_wrap=True)
