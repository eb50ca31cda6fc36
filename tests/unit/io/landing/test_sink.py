"""A micro-batch into a table: once, and by Spark where this process can't hold it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JJavaError

from metrics_lake.io.landing.manifest import Again, Batch
from metrics_lake.io.landing.sink import Sink, replaced
from metrics_lake.model.arrow import arrow_schema
from metrics_lake.model.tables import Table

TABLE = Table(
    "bronze.things",
    partitioned_by=("happened_on",),
    columns="""
    happened_on STRING NOT NULL COMMENT 'Day'
    number BIGINT COMMENT 'Number'
    """,
    pruned_by=("number",),
)


class Rows:
    """What Spark hands over, as far as a sink looks at it."""

    def __init__(self, *numbers: int, error: str | None = None) -> None:
        self._table = pa.table({"happened_on": ["a"] * len(numbers), "number": list(numbers)}, arrow_schema(TABLE))
        self._error, self.written = error, list[tuple[str, Any]]()

    def toArrow(self) -> pa.Table:
        if self._error:
            client = SimpleNamespace(send_command=lambda command: f"ys{self._error}")
            exception = SimpleNamespace(_target_id="o1", _gateway_client=client)
            raise Py4JJavaError("", exception)
        return self._table

    @property
    def write(self) -> Rows:
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *words, **named: self.written.append((name, words)) or self


def numbers(place: Any) -> list[int]:
    return sorted(DeltaTable(str(place)).to_pyarrow_table()["number"].to_pylist())


def test_a_batch_that_comes_again_is_passed_over(tmp_path):
    sink = Sink(TABLE, str(tmp_path), lambda: "query", is_small=True)
    for number, rows in ((0, Rows(1, 2)), (1, Rows(3)), (1, Rows(3)), (0, Rows(1, 2))):
        sink(rows, number)
    assert numbers(tmp_path) == [1, 2, 3] and DeltaTable(str(tmp_path)).transaction_version("query") == 1


def test_another_query_s_batches_are_its_own(tmp_path):
    for query in ("one", "other"):
        Sink(TABLE, str(tmp_path), lambda name=query: name, is_small=True)(Rows(7), 0)
    assert numbers(tmp_path) == [7, 7]


def test_statistics_are_kept_only_of_what_reads_prune_by(tmp_path):
    Sink(TABLE, str(tmp_path), lambda: "query", is_small=True)(Rows(1), 0)
    assert DeltaTable(str(tmp_path)).metadata().configuration == {"delta.dataSkippingStatsColumns": "number"}


@pytest.mark.parametrize("rows", [Rows(1, error="more than spark.driver.maxResultSize (1 GiB)"), Rows(1)])
def test_what_this_process_cannot_hold_is_written_by_spark_under_the_same_number(tmp_path, rows):
    Sink(TABLE, str(tmp_path), lambda: "query", is_small=rows._error is not None)(rows, 5)
    assert ("option", ("txnAppId", "query")) in rows.written and ("option", ("txnVersion", 5)) in rows.written
    assert rows.written[-1] == ("save", (str(tmp_path),))


def test_another_failure_is_not_hidden(tmp_path):
    with pytest.raises(Py4JJavaError):
        Sink(TABLE, str(tmp_path), lambda: "query", is_small=True)(Rows(1, error="a worker died"), 0)


def test_why_writing_failed_is_remembered_for_who_waits(tmp_path):
    (tmp_path / "file").write_text("in the way")
    sink = Sink(TABLE, str(tmp_path / "file" / "table"), lambda: "query", is_small=True)
    with pytest.raises((OSError, DeltaError)) as told:
        sink(Rows(1), 0)
    assert sink.error is told.value


RAW = Table(
    "bronze.lines",
    columns="""
    row_kind STRING NOT NULL COMMENT 'Kind'
    batch_number BIGINT NOT NULL COMMENT 'Batch'
    file_id STRING NOT NULL COMMENT 'File'
    tenant STRING COMMENT 'Tenant'
    status STRING COMMENT 'Status'
    """,
    pruned_by=("batch_number",),
)


def lines(*rows: tuple[str, int, str, str | None, str | None]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], arrow_schema(RAW))


@pytest.mark.parametrize(
    ("new", "left"),
    [
        ([("visit", 3, "a", "zeta", None), ("file", 3, "a", None, "read")], {("a", 3), ("b", 1), ("c", 2)}),
        ([("file", 3, "a", None, "read")], {("a", 3), ("b", 1), ("c", 2)}),
        ([("file", 3, "a", None, "quarantined")], {("a", 1), ("b", 1), ("c", 2)}),
    ],
    ids=["other rows", "none but its account", "a file that can't be read now"],
)
def test_rows_of_a_file_that_is_read_again_replace_its_own_and_no_others(tmp_path, new, left):
    old = [(kind, batch, file, None, "read" if kind == "file" else None)
           for file, batch in (("a", 1), ("b", 1), ("c", 2)) for kind in ("visit", "file")]  # fmt: skip
    sink = Sink(RAW, str(tmp_path), lambda: "query", is_small=True)
    sink.write_here(lines(*old), 0)
    again = replaced([Batch(3, "landing", (), {}, Again(("a",), 1, 1))])
    for _ in range(2):  # a replay writes it once
        sink.write_here(lines(*new), 1, again)
    stored = DeltaTable(str(tmp_path)).to_pyarrow_table().to_pylist()
    assert {(row["file_id"], row["batch_number"]) for row in stored} == left
    assert len(stored) == 6 - (len(new) == 1 and new[0][4] == "read")


def test_batches_of_new_files_replace_nothing():
    assert replaced([Batch(3, "landing", (), {})]) is None
