"""Reports of stores that were taken in and don't count are told, each with what to do; and every row of them adds up."""

from __future__ import annotations

import json

import pytest
from deltalake import write_deltalake
from rich.console import Console

from metrics_lake.bronze import haproxy, store_reports
from metrics_lake.cli.screens import intake_warnings
from metrics_lake.jobs.ingest import Ingested
from metrics_lake.model.arrow import arrow_schema, fitted
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, hasher_of, line, rules_of, text
from tests.unit.sources.reports import HASHER, TENANTS

HEAD = "Date,Package name,Daily User Installs\n"
FILES = {
    "good": HEAD + "2001-01-15,com.acme.radio,7\n",
    "changed": "Day,Package name,Daily User Installs\n2001-01-15,com.acme.radio,7\n",
    "others": HEAD + "2001-01-15,com.nobody,7\n",
    "partly": HEAD + "2001-01-15,com.acme.radio,7\n2001-01-16,com.acme.radio,many\n",
    "nothing": "",
    "doubled": HEAD + "2001-01-15,com.acme.radio,7\n" * 2,
    "unended": HEAD + "2001-01-15,com.acme.radio,7",
    "wider": HEAD.replace("\n", ",Colour\n") + "2001-01-15,com.acme.radio,7,blue\n",
}


@pytest.fixture
def filled(world):
    schema = arrow_schema(store_reports.TABLE)
    files = [InMemoryFile(content.encode(), f"google_play/{name}.csv") for name, content in FILES.items()]
    for frame in store_reports.FEED.parse(files, rules_of(TENANTS), HASHER):
        write_deltalake("data/lake/bronze/store_reports", fitted(frame, schema), mode="append", schema_mode="merge")
    return world


def test_each_report_that_does_not_count_is_told_with_what_to_do(filled, capsys):
    intake_warnings.write("data/lake", len(FILES), Console(width=200))
    assert capsys.readouterr().out.splitlines() == [
        "google_play/doubled.csv: 1 rows repeat another word for word; each counts once",
        "google_play/others.csv: no tenant names any app of it; it counts once one does, under `apps` of the tenants file",
        "google_play/partly.csv: 1 rows can't be read; see `show bronze.store_rejects`",
        "google_play/unended.csv: its last line has no line end; it was read as it stands: if the file was cut, fetch it again",
        "google_play/wider.csv: columns that nothing reads: colour; its other columns count as ever",
    ]


def test_each_file_that_is_put_aside_or_put_off_is_named_with_its_remedy_and_many_are_counted(capsys):
    logs = Ingested(quarantined={"haproxy/a.zip": "packed_zip"}, put_off={"haproxy/b.log": "archived"})
    reports = Ingested(quarantined={f"google_play/{n:02}.csv": "no_column_date" for n in range(25)})
    intake_warnings.write_unread([logs, reports], Console(width=400))
    first, second, third, *_, last = capsys.readouterr().out.splitlines()
    assert first == (
        "haproxy/a.zip: put aside as a whole (packed_zip: a zip archive, as the Play Console and Excel make them; "
        "unpack it, and put the files in it there instead)"
    )
    assert second.startswith("haproxy/b.log: put off, and missing until a run can read it (archived: ")
    assert second.endswith("rehydrate it (set its tier to Hot or Cool))") and third.startswith("google_play/00.csv")
    assert last.startswith("and 5 more files put aside as a whole: see `show")


def test_without_new_reports_nothing_is_told_and_no_table_is_wanted(world, capsys):
    intake_warnings.write("data/lake", 0, Console())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("table", "count"), [
    ("bronze.google_play", 6), ("bronze.store_rejects", 1), ("bronze.store_files", 8), ("bronze.app_store", 0),
])  # fmt: skip
def test_the_kinds_of_rows_can_be_looked_at(filled, table, count):
    assert len(filled.run("show", table, "--format", "json").out.splitlines()) == count


def test_completeness_accounts_for_every_row_of_a_report_beside_the_lines_of_logs(filled, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    schema = arrow_schema(haproxy.TABLE)
    for frame in haproxy.FEED.parse([InMemoryFile(text([line(0), "nonsense"]))], rules_of(), hasher_of(rules_of())):
        write_deltalake("data/lake/bronze/haproxy", fitted(frame, schema), mode="append", schema_mode="merge")
    ended = filled.run("audit", "completeness", "--format", "json")
    told = {row["path"].rpartition("/")[2]: row for row in map(json.loads, ended.out.splitlines())}
    assert ended.code == 0 and all(row["adds_up"] for row in told.values()) and len(told) == 1 + len(FILES)
    counts = [told["partly.csv"][f"{name}_count"] for name in ("line", "accepted", "reject", "unclaimed", "skipped")]
    assert counts == [2, 1, 1, 0, 0] and told["partly.csv"]["proxy"] == "google"
