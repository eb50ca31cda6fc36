"""Sections are discovered, and each reads from gold what it declares and nothing else."""

from __future__ import annotations

import jsonschema
import pytest

from metrics_lake import catalog
from metrics_lake.config.settings import LENGTH_EDGES
from metrics_lake.gold import listening
from metrics_lake.serve import uniques
from metrics_lake.serve.rollup import rollup, sections
from metrics_lake.serve.rollup.gold_rows import DAY, PERIOD, GoldRows
from metrics_lake.serve.rollup.section import RollupContext, RollupInput, Section
from metrics_lake.serve.rollup.sections import columns_read
from tests.unit.drawing import day, utc
from tests.unit.serve.samples import CALENDAR, bucket, hour
from tests.unit.serve.test_listening import DATA_STATUS

MONDAY, TUESDAY = day("2001-01-15"), day("2001-01-16")
TABLES = {table.name: table for table in catalog.stored()}
_FIGURES = {"started": 2, "active": 3, "completed": 1, "seconds": 3600, "unique": 2, "peak": 2}
_NAMED = {"tenant": "acme", "stream": "*"}
ROWS = {
    "gold.listening_by_day": [
        bucket(listened_on=on, peak_at=utc(f"{on} 10:00"), length_seconds=60.0, length_count=1, excluded={"bot": 1}, **_FIGURES)
        for on in (MONDAY, TUESDAY)
    ],
    "gold.listening_by_hour": [hour(f"{on} 10:00", again=1, **_FIGURES) for on in (MONDAY, TUESDAY)],
    "gold.session_lengths_by_day": [{**_NAMED, "listened_on": MONDAY, "at_least_minutes": 0, "session_count": 2}],
    "gold.listening_by_period": [
        {**_NAMED, "kind": kind, "name": name, "unique_listeners": 2, "unique_by_hour": [1] * 24}
        for kind, name in (("day", "2001-01-15"), ("week", "2001-W03"))
    ],
    "gold.dimensions_by_period": [
        {**_NAMED, "kind": kind, "name": name, "dimension": "player", "dimension_value": "VLC", "sessions_started": 2,
         "listening_seconds": 60.0, "unique_listeners": 2}
        for kind, name in (("day", "2001-01-15"), ("week", "2001-W03"))
    ],
}  # fmt: skip


def gold_of(reads: dict[str, tuple[str, ...]]) -> GoldRows:
    """Rows of these tables with these columns alone."""
    gold = GoldRows()
    for table, columns in reads.items():
        names = {"tenant", "stream", DAY, *PERIOD, *columns}
        gold.add(table, [{name: value for name, value in row.items() if name in names} for row in ROWS[table]])
    return gold


def test_the_document_has_its_sections_in_this_order():
    assert [section.name for section in sections.sections()] == [
        "summary", "numbers", "by_hour_of_day", "session_lengths", "dimensions", "excluded", "downloads",
    ]  # fmt: skip
    assert len({section.place for section in sections.sections()}) == len(sections.sections())


def test_every_table_and_column_that_a_section_reads_is_one_of_gold():
    wrong = [
        (table, name) for table, names in columns_read().items() for name in names if name not in TABLES[table].names
    ]
    assert not wrong and all({DAY} <= set(TABLES[t].names) or {*PERIOD} <= set(TABLES[t].names) for t in columns_read())


@pytest.mark.parametrize("section", [section for section in sections.sections() if section.reads], ids=lambda s: s.name)
@pytest.mark.parametrize("period", [CALENDAR.day(MONDAY), CALENDAR.week(MONDAY)], ids=lambda p: p.kind)
def test_a_section_is_rendered_from_the_columns_that_it_declares(section: Section, period):
    context = RollupContext("acme", CALENDAR, {"key_rotation": "never"}, LENGTH_EDGES)
    rendered = section.render(RollupInput(context, "*", period, gold_of(section.reads), DATA_STATUS))
    every_column = gold_of({t: tuple(ROWS[t][0]) for t in ROWS})
    assert rendered == section.render(RollupInput(context, "*", period, every_column, DATA_STATUS))
    jsonschema.validate(rendered, section.schema)


def test_a_section_that_is_added_is_in_documents_schema_and_inputs(monkeypatch):
    added = Section("added", {"gold.listening_by_day": ("length_seconds",)}, lambda rollup: 7, {"type": "integer"})
    every = (*sections.sections(), added)
    monkeypatch.setattr(rollup, "sections", lambda: every)
    monkeypatch.setattr(sections, "sections", lambda: every)
    assert rollup.schema()["properties"]["added"] == {"type": "integer"} and "added" in rollup.schema()["required"]
    assert "length_seconds" in columns_read()["gold.listening_by_day"]


def test_the_sketches_that_serve_unites_have_the_size_that_gold_writes():
    assert uniques.LOG_ENTRIES == listening.SKETCH_LOG_ENTRIES
