"""Each special case of the stores' reports as a folder under tests/golden: a report under its own name, and its rows.

`REBUILD_GOLDEN=1` writes the expectations anew; look at the difference before you believe it.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.io.landing.reader import LandedFile
from metrics_lake.sources.landed_file import FileEntry
from metrics_lake.sources.stores.reports import STORES
from tests.unit.sources.haproxy.logs import InMemoryFile
from tests.unit.sources.reports import parsed

FOLDER = Path(__file__).parents[3] / "golden" / "sources"
CASES = sorted(
    folder.relative_to(FOLDER).as_posix()
    for store in STORES
    for folder in (FOLDER / store).iterdir()
    if folder.is_dir()
)
_ABOUT = ("batch_number", "file_id", "path", "written_at", "is_stamped", "size_bytes", "content_hash")
_COUNTS = ("accepted_count", "unclaimed_count", "reject_count", "skipped_count")


def _rows(case: str) -> list[dict[str, Any]]:
    [report] = [file for file in (FOLDER / case).iterdir() if file.name != "expected.jsonl"]
    rows = parsed([InMemoryFile(report.read_bytes(), f"{case.partition('/')[0]}/{report.name}")])
    without_origin = [{name: value for name, value in row.items() if name not in _ABOUT} for row in rows]
    return [json.loads(json.dumps(row, default=str)) for row in without_origin]


@pytest.mark.parametrize("case", CASES)
def test_every_row_of_a_golden_report_ends_where_it_must(case: str) -> None:
    rows, expected = _rows(case), FOLDER / case / "expected.jsonl"
    if os.environ.get("REBUILD_GOLDEN"):
        expected.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert rows == [json.loads(line) for line in expected.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_the_rows_of_every_report_add_up(case: str) -> None:
    account = _rows(case)[-1]
    assert account["row_kind"] == "file" and account["status"] in ("read", "empty", "quarantined")
    if account["status"] == "read":
        assert account["row_count"] == sum(account[name] for name in _COUNTS)


def test_there_are_golden_reports_of_each_store() -> None:
    assert all(sum(case.startswith(store) for case in CASES) > 20 for store in STORES)


def _report_by(content: bytes, store: str = "google_play", name: str = "installs_com.acme.radio_200101_overview.csv"):
    return parsed([InMemoryFile(content, f"{store}/{name}")])


@pytest.mark.parametrize("store", STORES)
@given(content=st.binary(max_size=400))
def test_no_bytes_stop_the_stream(store: str, content: bytes) -> None:
    *_, account = _report_by(content, store)
    assert account["row_kind"] == "file"


@given(cells=st.lists(st.text(max_size=12), min_size=3, max_size=3))
def test_no_cells_are_lost(cells: list[str]) -> None:
    lines = ["Date,Package name,Daily User Installs", "2001-01-15,com.acme.radio,7"]
    line = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    *_, account = _report_by("\n".join([*lines, line, ""]).encode("utf-8", "replace"))
    if account["status"] == "read":
        assert account["row_count"] == sum(account[name] for name in _COUNTS) == 2


def test_a_quote_that_never_ends_puts_the_file_aside() -> None:
    content = b'Date,Package name,Daily User Installs\n2001-01-15,"com.acme.radio,7\n' + b"x,y\n" * 40_000
    [account] = _report_by(content)
    assert (account["status"], account["reason"]) == ("quarantined", "not_a_table")


def test_a_damaged_file_costs_nothing_of_its_neighbours() -> None:
    good = (FOLDER / "google_play" / "overview" / "installs_com.acme.radio_200101_overview.csv").read_bytes()
    rows = parsed(
        [
            InMemoryFile(b"<html>", "google_play/a.csv"),
            InMemoryFile(good, "google_play/installs_com.acme.radio_200101_overview.csv"),
        ]
    )
    assert [row["status"] for row in rows if row["row_kind"] == "file"] == ["quarantined", "read"]
    assert [row["downloads"] for row in rows if row["row_kind"] == "google_play"] == [7, 4]


def test_a_stamp_in_the_name_tells_when_a_report_was_written_and_else_its_file_does() -> None:
    stamps = {
        "a.20010117T050000Z.csv": "2001-01-17 05:00:00+00:00",
        "a.csv": "2001-01-15 13:00:00+00:00",
        "a.20019917T050000Z.csv": "2001-01-15 13:00:00+00:00",
    }
    assert {name: str(_report_by(b"", name=name)[-1]["written_at"]) for name in stamps} == stamps


def test_a_name_is_read_as_it_is_and_kept_with_its_marks() -> None:
    content = (FOLDER / "app_store" / "no-sales" / "S_D_85000001_20010115.txt").read_bytes()
    true, redacted = "app_store/S_D_85000001_20010115.20010117T050000Z.txt", "app_store/S_D_<address:1>.<address:2>.txt"
    [account] = parsed([InMemoryFile(content, true, redacted_path=redacted)])
    assert (account["vendor"], str(account["downloaded_on"]), account["path"]) == ("85000001", "2001-01-15", redacted)
    assert str(account["written_at"]) == "2001-01-17 05:00:00+00:00"


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_case_10_an_empty_report_is_counted_as_empty(name: str, tmp_path: Path) -> None:
    [account] = parsed([_landed(tmp_path, b"", name)])
    assert (account["row_kind"], account["status"], account["row_count"]) == ("file", "empty", 0)


def _landed(folder: Path, content: bytes, name: str) -> LandedFile:
    """A report as it lies in landing, for the reader of the lake."""
    (folder / "google_play").mkdir(exist_ok=True)
    (folder / "google_play" / name).write_bytes(content)
    entry = FileEntry(f"google_play/{name}", len(content), "0" * 64, "2001-01-15T13:00:00+00:00")
    return LandedFile(str(folder), entry, 1, str)


def test_a_packed_report_is_read_and_one_that_is_half_there_is_put_aside(tmp_path: Path) -> None:
    packed = gzip.compress(b"Date,Package name,Daily User Installs\n2001-01-15,com.acme.radio,7\n")
    files = [_landed(tmp_path, packed, "a.csv.gz"), _landed(tmp_path, packed[:-20], "b.csv.gz")]
    rows = [(row["row_kind"], row.get("downloads"), row.get("reason")) for row in parsed(files)]
    assert rows == [("google_play", 7, None), ("file", None, None), ("file", None, "gzip_truncated")]
