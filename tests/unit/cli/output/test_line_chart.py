"""A chart tells peak and average apart without colours, at any width."""

from __future__ import annotations

import re

import pytest

from metrics_lake.cli.output import line_chart as charts
from metrics_lake.cli.output.line_chart import line_chart

LABELS = [f"11-22 {hour:02}:00" for hour in range(24)]
AVERAGE = [float(hour % 5) for hour in range(24)]
PEAK = [number + 3 for number in AVERAGE]


@pytest.fixture(params=[True, False], ids=["unicode", "ascii"])
def is_unicode(request, monkeypatch) -> bool:
    monkeypatch.setattr(charts, "is_unicode", lambda: request.param)
    return request.param


def legend(text: str, of: str) -> str:
    """The two glyphs before a name in the legend."""
    return next(line.partition(f" {of}")[0][-2:] for line in text.splitlines() if f" {of}" in line)


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_peak_and_average_have_glyphs_of_their_own_and_the_width_is_used(is_unicode, width):
    text = line_chart(LABELS, AVERAGE, PEAK, ("average", "peak"), width).plain
    assert legend(text, "average") != legend(text, "peak")
    assert width - 12 <= max(map(len, text.splitlines())) <= width


def test_a_single_bucket_needs_no_chart():
    assert line_chart(LABELS[:1], [1], [3], ("average", "peak"), 80) is None


def test_several_streams_together_have_an_average_alone(is_unicode):
    text = line_chart(LABELS, AVERAGE, [None] * 24, ("average", "peak"), 80).plain
    assert "average" in text and "peak" not in text


def test_an_unknown_bucket_is_a_gap(is_unicode):
    assert line_chart(LABELS[:4], [1, None, None, 2], [None, 2, None, 3], ("average", "peak"), 80) is not None
    assert line_chart(LABELS[:4], [None] * 4, [None] * 4, ("average", "peak"), 80) is not None


def test_labels_have_room_on_the_axis(is_unicode):
    last = line_chart(LABELS, AVERAGE, PEAK, ("average", "peak"), 80).plain.splitlines()[-1]
    labels = re.findall(r"\S+ \S+", last)
    assert len(labels) > 2 and set(labels) <= set(LABELS)
