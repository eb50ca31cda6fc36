"""Documents that Spark's workers make and write are those that this process would; the key is in no plan, pickle or log."""

from __future__ import annotations

import base64
from pathlib import Path

import polars as pl
import pytest
from pyspark import cloudpickle

from metrics_lake.config.settings import Documents, Spark
from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.cosmos import CosmosDocuments, CosmosError
from metrics_lake.jobs.publish import documents, documents_by_spark
from tests.lake import dealing
from tests.lake.dealing import NAMES, work_over
from tests.unit.io.cosmos_double import Fault, serving
from tests.unit.jobs.publish.test_documents import DATA_STATUS, DAYS, fill

KEY = base64.b64encode(b"of this account alone, and secret").decode()
EVERY = 2 * 2 * 2 * len(DAYS)  # tenants, streams, day and hour


def held(account_address: str, database: str) -> list[dict]:
    store = CosmosDocuments(account_address, database, KEY)
    return [each for tenant in NAMES for each in store.between("listening", tenant, "", "~")]


def check_both_ways(folder: Path, endpoint: str) -> None:
    """Whatever speaks as Cosmos DB at `endpoint`: both ways end in the same documents, and writing again writes none."""
    told = dealing.run(folder, endpoint, "dealt", KEY)
    assert told.returncode == 0, told.stderr[-3000:]
    fewer = EVERY // len(DAYS) * 8
    assert [tuple(map(int, line.split())) for line in told.stdout.splitlines()] == [
        (EVERY, 0), (0, 0), (fewer, EVERY - fewer),
    ]  # fmt: skip
    dealing.here(work_over(str(folder / "other"), endpoint, "here"), CosmosDocuments(endpoint, "here", KEY))
    assert held(endpoint, "dealt") == held(endpoint, "here") and len(held(endpoint, "here")) == fewer
    logged = b"".join(file.read_bytes() for file in (folder / "events").rglob("*") if file.is_file())
    assert b"SparkListenerTaskEnd" in logged and KEY.encode() not in logged + told.stderr.encode()


def test_documents_that_spark_deals_out_are_those_that_this_process_writes(tmp_path):
    with serving() as account:
        check_both_ways(tmp_path, account.address)


def test_what_a_worker_could_not_do_is_told_in_its_own_line(tmp_path):
    with serving() as account:
        account.faults["GET account"] = [Fault(401)] * 99
        told = dealing.run(tmp_path, account.address, "dealt", KEY)
    assert told.returncode == 1 and told.stdout == ""
    last = told.stderr.splitlines()[-1]
    assert last.startswith("metrics_lake.jobs.publish.documents_by_spark.WorkerError: Cosmos DB at http://127.0.0.1:")
    assert "refuses the key: put the account's into METRICS_LAKE_COSMOS_KEY" in last and KEY not in told.stderr


def test_the_work_of_a_worker_carries_no_key_and_its_error_nothing_that_lies_behind_it(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", KEY)
    work = work_over(str(tmp_path), "http://127.0.0.1:9", "metrics")
    fill(work, DAYS[:1])
    write = documents_by_spark.document_writer(work.settings.documents, work.calendars, DATA_STATUS)
    assert KEY.encode() not in cloudpickle.dumps(write)
    with serving() as account:
        account.faults["GET account"] = [Fault(401)] * 99
        places = Documents(store="cosmos", endpoint=account.address, database="metrics")
        rows = _rows_of_a_day(work)
        with pytest.raises(CosmosError, match="refuses the key") as caught:
            documents_by_spark.document_writer(places, work.calendars, DATA_STATUS)(_KEY_OF_ROWS, rows)
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None


def _rows_of_a_day(work):
    frames = [work.delta_tables.frame(table) for table in (listening_by_day.TABLE, listening_by_hour.TABLE)]
    return pl.concat(frames, how="diagonal").filter(tenant="acme", stream="live").to_arrow()


class _Value:
    def __init__(self, value):
        self._value = value

    def as_py(self):
        return self._value


_KEY_OF_ROWS = (_Value("acme"), _Value("live"), _Value(None))


@pytest.mark.parametrize(
    ("store", "most", "by_spark"), [("cosmos", 63, True), ("cosmos", 64, False), ("sqlite", 0, False)]
)
def test_many_documents_go_to_cosmos_by_spark_and_few_or_others_by_this_process(
    tmp_path, monkeypatch, store, most, by_spark
):
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", KEY)
    work = work_over(str(tmp_path), "http://127.0.0.1:9", "metrics")
    fill(work, DAYS)
    work.settings = work.settings.model_copy(
        update={
            "documents": work.settings.documents.model_copy(
                update={"store": store, "path": str(tmp_path / "documents.db")}
            ),
            "spark": Spark(from_documents=most),
        }
    )
    assert documents.need_spark(work, DAYS[:8]) is by_spark
