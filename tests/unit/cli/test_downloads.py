"""Downloads of apps over any range of days, from the documents alone."""

from __future__ import annotations

import csv
import io
import json

import pytest

from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.serve import downloads
from tests.unit.cli.conftest import TENANTS
from tests.unit.serve.test_downloads import gold

APPS = TENANTS + '    apps: [{store: apple, id: "1", name: Acme}, {store: google, id: com.a, name: Acme}]\n'


@pytest.fixture
def published(world):
    """The world with a tenant of two apps, and some days of them."""
    (world.folder / "conf" / "tenants.yaml").write_text(APPS)
    SqliteDocuments("data/documents.db").upsert(downloads.CONTAINER, downloads.documents(gold()))
    return world


def ask(world, *more: str, to: str = "2001-01-18"):
    return world.run("downloads", "--tenant", "acme", "--from", "2001-01-15", "--to", to, *more)


def test_downloads_are_a_total_a_table_and_a_chart(published):
    ended = ask(published)
    assert (ended.code, ended.err) == (0, "")
    assert "18 downloads · 2 downloads again · 13 updates · 3 uninstalls · 390 active devices" in ended.out
    assert "█" in ended.out and "2001-01-16, in part" in ended.out


def test_days_that_were_not_reported_are_told_and_not_shown_as_zero(published):
    out = ask(published).out
    [line] = [line for line in out.splitlines() if line.strip().startswith("2001-01-17")]
    assert line.count("unknown") == 5 and " 0" not in line and "█" not in line
    assert "not reported yet, so unknown and not zero: apple:1: 2001-01-16 to 2001-01-17" in out
    assert "not reported yet, so unknown and not zero: google:com.a: 2001-01-17 to 2001-01-18" in out


@pytest.mark.parametrize(("by", "values"), [
    ("store", ["google", "apple"]), ("app", ["google:com.a", "apple:1"]), ("country", ["ZA", "DE"]),
])  # fmt: skip
def test_downloads_may_be_told_by_store_app_or_country(published, by, values):
    found = json.loads(ask(published, "--by", by, "--format", "json").out)
    assert [bucket["value"] for bucket in found["buckets"]] == values and found["by"] == by
    shown = ask(published, "--by", by).out
    assert all(value in shown for value in values) and "█" in shown


def test_downloads_as_json_have_the_total_the_buckets_and_what_is_unknown(published):
    found = json.loads(ask(published, "--format", "json").out)
    assert found["total"]["downloads"] == 18 and found["unknown"]["apple:1"] == ["2001-01-16", "2001-01-17"]
    assert [bucket["downloads"] for bucket in found["buckets"]] == [18, 0, None, None]


def test_downloads_as_csv_leave_the_cells_of_unknown_days_empty(published):
    found = list(csv.DictReader(io.StringIO(ask(published, "--format", "csv").out)))
    assert [(row["start"], row["downloads"]) for row in found] == [
        ("2001-01-15", "18"), ("2001-01-16", "0"), ("2001-01-17", ""), ("2001-01-18", ""),
    ]  # fmt: skip


def test_a_range_that_no_store_has_reported_is_unknown_and_no_error(published):
    ended = published.run("downloads", "--tenant", "acme", "--from", "2002-01-15", "--to", "2002-01-18")
    assert (ended.code, ended.err) == (0, "")
    assert "no store has reported of acme from 2002-01-15 to 2002-01-18: unknown, not zero" in ended.out


def test_a_tenant_without_apps_is_told_where_to_name_them(world):
    ended = world.run("downloads", "--tenant", "acme", "--from", "2001-01-15", "--to", "2001-01-18")
    assert ended.code == 1 and ended.err.count("\n") == 1
    assert "acme has no apps in conf/tenants.yaml; add them under tenants.acme.apps" in ended.err


@pytest.mark.parametrize("width", [40, 80])
def test_downloads_fit_a_narrow_terminal_and_what_is_left_out_is_told(published, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    out = ask(published).out
    assert max(map(len, out.splitlines())) <= width and "2001-01-16, in part" in out
    assert ("left out to fit: updates, uninstalls," in " ".join(out.split())) == (width == 40) and ", ;" not in out
