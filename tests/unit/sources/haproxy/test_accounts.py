"""What the account of a file says of it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from metrics_lake.bronze.haproxy import FEED
from tests.unit.sources.haproxy.logs import InMemoryFile, hasher_of, line, rules_of, text

READ_MS = round(datetime(2001, 3, 4, tzinfo=timezone.utc).timestamp() * 1000)


@pytest.mark.parametrize(("path", "lines", "day"), [
    ("haproxy/edge-01/10.log", [line(0), "nonsense"], "2001-01-15"),
    ("haproxy/edge-01/haproxy-20010216-17.log", ["nonsense"], "2001-02-16"),
    ("haproxy/edge-01/haproxy.log", ["nonsense"], "2001-03-04"),
], ids=["by its requests", "by the hour in its name", "by the day on which it was read"])  # fmt: skip
def test_rejects_and_their_file_are_dated_by_what_is_known_of_the_file(monkeypatch, path, lines, day):
    monkeypatch.setenv("METRICS_LAKE_SECRET", "5e" * 31 + "c7")
    rules = rules_of().model_copy(update={"read_ms": READ_MS})
    rows = [
        row
        for frame in FEED.parse([InMemoryFile(text(lines), path)], rules, hasher_of(rules))
        for row in frame.to_dicts()
    ]
    assert {str(row["happened_on"]) for row in rows if row["row_kind"] in ("reject", "file")} == {day}
