"""`audit completeness`: lines of files, hours of proxies, and lines lost on their way."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
from deltalake import write_deltalake

from metrics_lake.bronze.haproxy import FEED, TABLE
from metrics_lake.io.landing.local_landing import LocalLanding
from metrics_lake.model.arrow import arrow_schema, fitted
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, hasher_of, line, rules_of, text


def test_completeness_shows_that_every_line_stands_in_one_account(filled):
    ended = filled.run("audit", "completeness", "--format", "json")
    told = {row["path"]: row for row in map(json.loads, ended.out.splitlines())}
    assert ended.code == 0 and all(row["adds_up"] for row in told.values())
    first = told["haproxy/edge-01/10.log"]
    counts = [first[f"{name}_count"] for name in ("line", "accepted", "reject", "unclaimed", "skipped")]
    assert counts == [4, 1, 1, 1, 1]


def test_completeness_shows_the_hours_of_each_proxy_and_how_far_data_is_complete(filled):
    out = filled.run("audit", "completeness").out
    assert "hours by proxy" in out and "edge-02" in out
    assert "complete through 2001-01-15 15:00:00+00:00" in out  # what is missing since 2001 has been given up


def test_completeness_names_hours_that_are_given_up_and_those_that_are_waited_for_with_the_remedy(filled):
    out = " ".join(filled.run("audit", "completeness").out.split())
    assert "3 hours of edge-01 (2001-01-15 12:00 to 15:00 UTC) never came, and figures go on without" in out
    assert "put the file of the hour below haproxy/ in landing, then metrics-lake run" in out
    out = " ".join(filled.run("audit", "completeness", "--set", "publish.give_up_hours=876000").out.split())
    assert "never came" not in out and "complete_through waits until" in out
    assert "complete through 2001-01-15 12:00:00+00:00" in out


def test_completeness_tells_lost_and_doubled_lines_where_haproxy_numbers_them(world, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    numbered = text([f"{line(n)} 4037 {n} {979560000 + n}.003 -" for n in (1, 2, 3, 5, 5)])
    schema = arrow_schema(TABLE)
    for frame in FEED.parse([InMemoryFile(numbered)], rules_of(), hasher_of(rules_of())):
        write_deltalake("data/lake/bronze/haproxy", fitted(frame, schema), mode="append", schema_mode="merge")
    out = world.run("audit", "completeness").out
    assert "lines by the numbers that HAProxy gives them" in out
    assert all(share in out for share in ("20.00%", "25.00%"))


def test_lines_that_do_not_add_up_are_an_error(filled):
    broken = pl.read_delta("data/lake/bronze/haproxy").with_columns(line_count=pl.col("line_count") + 1)
    write_deltalake("data/lake/bronze/haproxy", broken.to_arrow(), mode="overwrite")
    assert filled.run("audit", "completeness").code == 1


def test_completeness_fits_80_columns_with_a_line_for_each_file(filled, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = filled.run("audit", "completeness").out
    assert max(map(len, out.splitlines())) <= 80
    row = next(line for line in out.splitlines() if "edge-01/10.log" in line)
    assert [cell for cell in row.split() if cell.isdigit()] == ["4", "1", "1", "1", "1"]


def test_completeness_shows_the_columns_that_are_asked_for(filled):
    chosen = ("audit", "completeness", "--columns", "path,reject_count", "--format", "json")
    assert {tuple(json.loads(line)) for line in filled.run(*chosen).out.splitlines()} == {("path", "reject_count")}


def test_completeness_names_the_files_that_no_run_could_read(filled, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")
    folder = Path("data/landing/haproxy/edge-09")
    folder.mkdir(parents=True)
    (folder / "18.log").write_text(line(0))
    monkeypatch.setattr(
        LocalLanding, "refusal", lambda landing, file: "not_permitted" if "edge-09" in str(file) else None
    )
    out = filled.run("audit", "completeness").out
    assert "not read, and missing: haproxy/edge-09/18.log (not_permitted: this process may not read it; give" in out
