"""The catalogue: every table, view and metric, and what each is."""

from __future__ import annotations

import sys

import polars as pl
import pytest

from metrics_lake import catalog, gold
from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import LENGTH_EDGES
from metrics_lake.gold import discovery
from metrics_lake.jobs import partitions
from metrics_lake.model.calendars import Calendars
from metrics_lake.model.metrics import Metric, MetricError
from metrics_lake.model.periods import Calendar
from metrics_lake.model.tables import Table, View
from tests.unit.gold.drawn import START, sessions

TABLES = catalog.tables()
METRICS = discovery.modules()


def test_the_tables_of_the_contract_are_in_the_catalogue():
    promised = {
        "bronze.visits", "bronze.rejects", "bronze.files", "bronze.unclaimed", "silver.sessions", "gold.listeners_by_minute",
        "gold.listening_by_hour", "gold.listening_by_day", "gold.session_lengths_by_day", "gold.dimensions_by_day",
        "gold.downloads_by_day",
    }  # fmt: skip
    assert promised <= set(TABLES)


@pytest.mark.parametrize("module", METRICS, ids=[module.__name__.rpartition(".")[2] for module in METRICS])
def test_a_metric_s_module_its_name_and_its_table_bear_one_name(module):
    name = module.__name__.rpartition(".")[2]
    assert isinstance(module.METRIC, Metric) and isinstance(module.TABLE, Table)
    assert (module.METRIC.name, module.METRIC.table.name) == (name, f"gold.{name}")
    assert module.METRIC.table is module.TABLE and module.METRIC.compute is module.compute


def test_every_metric_is_worked_out_by_a_job():
    from metrics_lake.gold import downloads_by_day
    from metrics_lake.jobs.compute import METRICS as OF_LISTENING

    worked_out = {*OF_LISTENING, downloads_by_day.TABLE.name.removeprefix("gold.")}
    assert worked_out == {module.METRIC.name for module in METRICS}
    assert discovery.tables("month") == (downloads_by_day.TABLE,)


@pytest.mark.parametrize(("grain", "share"), [("period", None), ("day", lambda part: ()), ("minute", None)])
def test_a_metric_that_no_job_could_work_out_is_refused(grain, share):
    with pytest.raises(MetricError, match=r"^gold.listening_by_day: "):
        Metric(TABLES["gold.listening_by_day"], grain, lambda part: None, share)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_s_declaration_can_be_read_and_its_partitions_are_columns(name):
    table = TABLES[name]
    names = [column.name for column in table.fields]
    assert names and len(names) == len(set(names))
    if isinstance(table, Table):
        assert set(table.partitioned_by) <= set(names)
    else:
        assert set(table.columns) <= set(table.of.names), "a view has only columns of its table"


def test_the_kinds_of_rows_of_bronze_share_out_its_columns():
    shown = {column.name for view in haproxy.VIEWS for column in view.fields}
    assert shown | {"row_kind"} == set(haproxy.TABLE.names)


def test_the_catalogue_tells_each_table_s_question_and_each_column():
    text = catalog.render()
    for name, table in TABLES.items():
        part = text.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
        assert all(f"| `{column.name}` |" in part and column.comment in part for column in table.fields)
        if isinstance(table, View):
            assert f"Rows of `{table.of.name}` whose `row_kind` is `{table.kind}`." in part
        elif name.startswith("gold."):
            assert "?" in part.split("|", 1)[0]


_MARATHONS = '''"""How many sessions of each day lasted longer than three hours?

Grain: tenant, stream, day.
"""

import polars as pl

from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

TABLE = Table(
    "gold.marathons_by_day",
    partitioned_by=("listened_on",),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream'
    session_count BIGINT NOT NULL COMMENT 'Sessions of more than three hours that started on the day'
    """,
)


def compute(day):
    long = day.net.filter(pl.col("is_started") & (pl.col("ended") - pl.col("started") > 3 * 3_600_000))
    return long.group_by("stream").agg(session_count=pl.len().cast(pl.Int64))


METRIC = Metric(TABLE, "day", compute)
'''


@pytest.fixture
def marathons(tmp_path, monkeypatch):
    """A metric by the recipe of CONTRIBUTING.md: one new file in gold."""
    (tmp_path / "marathons_by_day.py").write_text(_MARATHONS)
    monkeypatch.setattr(gold, "__path__", [*gold.__path__, str(tmp_path)])
    monkeypatch.setattr(discovery, "modules", discovery.modules.__wrapped__)
    yield
    sys.modules.pop("metrics_lake.gold.marathons_by_day", None)
    vars(gold).pop("marathons_by_day", None)


def test_one_new_file_in_gold_is_a_metric_of_the_catalogue_and_of_the_job_that_works_out_days(marathons):
    text = catalog.render()
    assert (
        "## gold.marathons_by_day\n\nHow many sessions of each day lasted longer than three hours? Partitioned" in text
    )
    rows = sessions([("a", "live", 60, 4 * 3600), ("b", "live", 60, 2 * 3600)])
    rows = rows.with_columns(last_request_at="started_at", started_on=pl.col("started_at").dt.date())
    calendars, day = Calendars({"p": Calendar()}), START.date()
    frames = partitions.by_day(rows, discovery.of_grain("day"), calendars, [day], LENGTH_EDGES)
    assert frames["gold.marathons_by_day"].select("tenant", "listened_on", "session_count").rows() == [("p", day, 1)]
    assert set(frames) == {table.name for table in discovery.tables("day")} > {"gold.listening_by_day"}
