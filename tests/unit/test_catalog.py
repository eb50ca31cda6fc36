"""The catalogue: every table, view and metric, and what each is."""

from __future__ import annotations

import pytest

from metrics_lake import catalog
from metrics_lake.bronze import haproxy
from metrics_lake.model.tables import Metric, Table, View

TABLES = catalog.tables()
METRICS = catalog.metrics()


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
    assert (module.METRIC.name, module.METRIC.writes.name) == (name, f"gold.{name}")
    assert module.METRIC.writes is module.TABLE and callable(module.compute)


@pytest.mark.parametrize("module", METRICS, ids=[module.__name__.rpartition(".")[2] for module in METRICS])
def test_a_metric_reads_tables_that_there_are(module):
    assert module.METRIC.reads and all(TABLES[table.name] is table for table in module.METRIC.reads)


def test_every_metric_is_worked_out_by_a_job():
    from metrics_lake.gold import downloads_by_day
    from metrics_lake.jobs.compute import BY_DAY, BY_PERIOD

    worked_out = {table.name for table in (*BY_DAY, *BY_PERIOD, downloads_by_day.TABLE)}
    assert worked_out == {module.TABLE.name for module in METRICS}


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
