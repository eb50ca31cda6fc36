"""`show`: rows of a table, from files alone."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
import pytest
from deltalake import write_deltalake

from metrics_lake.bronze.haproxy import VISITS
from metrics_lake.catalog import tables


def test_a_table_is_shown_newest_first(filled):
    found = [
        json.loads(each)["path"] for each in filled.run("show", "bronze.files", "--format", "json").out.splitlines()
    ]
    assert found[0] == "haproxy/edge-01/12.log" and len(found) == 4


def test_a_table_has_its_name_its_columns_and_its_rows(filled):
    ended = filled.run("show", "bronze.rejects")
    assert (ended.code, ended.err) == (0, "")
    assert all(word in ended.out for word in ("bronze.rejects", "masked_text", "no_request", "aaaaaaaa"))


def test_rows_as_json_are_one_object_a_line(filled):
    found = [json.loads(each) for each in filled.run("show", "bronze.rejects", "--format", "json").out.splitlines()]
    assert [(row["line_number"], row["reason"], row["masked_text"]) for row in found] == [(3, "no_request", "aaaaaaaa")]


def test_rows_as_csv_hold_lists_as_json(filled):
    found = list(csv.DictReader(io.StringIO(filled.run("show", "bronze.visits", "--format", "csv").out)))
    assert {row["offsets_ms"] for row in found} == {"[0]"} and len(found) == 3
    assert found[0]["first_at"] == "2001-01-15T14:00:00.000Z"


def test_a_limit_limits_the_rows(filled):
    assert len(filled.run("show", "bronze.visits", "--format", "json", "--limit", "2").out.splitlines()) == 2


def test_a_view_shows_its_own_rows_and_columns_alone(filled):
    [row] = [json.loads(each) for each in filled.run("show", "bronze.unclaimed", "--format", "json").out.splitlines()]
    assert (row["frontend"], row["path_start"], row["line_count"]) == ("fe", "/nobody", 1) and "masked_text" not in row


def test_columns_are_chosen_by_name_in_every_format(filled):
    chosen = ("show", "bronze.visits", "--columns", "stream, first_at", "--limit", "1")
    assert list(json.loads(filled.run(*chosen, "--format", "json").out)) == ["stream", "first_at"]
    assert filled.run(*chosen, "--format", "csv").out.splitlines()[0] == "stream,first_at"
    assert filled.run(*chosen).out.splitlines()[1].split() == ["stream", "first_at"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_of_many_columns_fits_any_width_and_says_which_it_leaves_out(filled, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    fitted = filled.run("show", "bronze.visits").out
    told = " ".join(fitted.split())
    assert f"{len(VISITS.fields)} columns, " in told and " shown; left out to fit: " in told
    assert max(map(len, fitted.splitlines())) <= width
    assert filled.run("show", "bronze.visits", "--width", str(width)).out == fitted


def test_a_wide_table_has_all_columns_in_a_line(filled, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    wide = filled.run("show", "bronze.visits", "--wide").out
    assert "listener_id" in wide.splitlines()[1] and max(map(len, wide.splitlines())) > 200


def test_a_single_row_is_shown_as_a_record(filled):
    shown = filled.run("show", "bronze.visits", "--limit", "1", "--width", "80").out.splitlines()
    assert ["tenant", "acme"] in [line.split() for line in shown]


def test_a_table_says_that_it_has_more_rows(filled):
    assert "the newest 2 rows; --limit shows more" in filled.run("show", "bronze.visits", "--limit", "2").out
    assert "--limit" not in filled.run("show", "bronze.visits").out


def test_rows_are_chosen_by_values(filled):
    chosen = ("show", "bronze.files", "--format", "json", "--where", "status=duplicate", "--where", "proxy=edge-01")
    assert [json.loads(row)["path"] for row in filled.run(*chosen).out.splitlines()] == ["haproxy/edge-01/again.log"]


def test_a_column_that_is_not_there_is_answered_with_those_that_are(filled):
    ended = filled.run("show", "bronze.files", "--where", "sttus=read")
    assert ended.code == 2 and "nearest: status" in ended.err and "accepted_count" in ended.err


@pytest.mark.parametrize(
    ("zone", "local"),
    [("Asia/Kathmandu", "2001-01-15T19:45:00+05:45"), ("Africa/Johannesburg", "2001-01-15T16:00:00+02:00")],
)
def test_instants_are_shown_on_the_tenant_s_clock_if_asked_for(filled, zone, local):
    tenants = filled.folder / "conf" / "tenants.yaml"
    tenants.write_text(tenants.read_text().replace("Africa/Johannesburg", zone))
    rows = filled.run("show", "bronze.visits", "--tenant-time", "--format", "json").out.splitlines()
    assert json.loads(rows[0])["first_at"] == local


def test_a_table_without_tenants_has_no_tenant_s_clock(filled):
    ended = filled.run("show", "bronze.files", "--tenant-time")
    assert ended.code == 2 and "no column tenant" in ended.err


def test_without_a_name_the_tables_are_listed_with_what_they_answer(world):
    ended = world.run("show")
    assert ended.code == 0 and all(table in ended.out for table in tables())
    assert "How long do people stay?" in ended.out


@pytest.mark.parametrize("text", ["[/nope]", "GET /[red]x", "[b]"])
def test_a_line_of_a_log_is_not_taken_for_markup(filled, text):
    rows = pl.read_delta("data/lake/bronze/haproxy")
    told = pl.when(pl.col("row_kind") == "reject").then(pl.lit(text)).otherwise("masked_text").alias("masked_text")
    write_deltalake("data/lake/bronze/haproxy", rows.with_columns(told).to_arrow(), mode="overwrite")
    ended = filled.run("show", "bronze.rejects")
    assert ended.code == 0 and text in ended.out
