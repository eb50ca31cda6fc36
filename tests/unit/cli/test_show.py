"""`show`: rows of a table, from files alone."""

from __future__ import annotations

import csv
import io
import json


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


def test_a_table_of_many_columns_is_one_block_a_row_on_80_columns_and_a_line_with_wide(filled, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    narrow, wide = filled.run("show", "bronze.visits").out, filled.run("show", "bronze.visits", "--wide").out
    assert "row 2" in narrow and max(map(len, narrow.splitlines())) <= 80
    assert "row 1" not in wide and "listener_id" in wide.splitlines()[1] and max(map(len, wide.splitlines())) > 200
