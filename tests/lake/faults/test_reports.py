"""Case 19, and the second stream's replays: reports of stores whose tables drift, through the lake to the documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.io.storage.failpoints import Crash, crashing
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import publish_downloads
from metrics_lake.privacy.redaction import Names
from tests.lake.report_runs import run_reports
from tests.lake.test_downloads import TENANTS, found, land
from tests.unit.sources.haproxy.logs import SECRET

HEADER = (
    "Provider",
    "SKU",
    "Product Type Identifier",
    "Units",
    "Begin Date",
    "End Date",
    "Country Code",
    "Apple Identifier",
    "Device",
)
APPLE = "app_store/S_D_85000001_{}.txt"
PLAY = "google_play/installs_com.acme.radio_200101_{}.csv"


def apple(on: int, units: str = "3", *, header: tuple[str, ...] = HEADER, separator: str = "\t", day: str = "") -> str:
    """A report of one row, of a day of January 2001; a column that isn't known holds `new`."""
    date = day or f"01/{on}/2001"
    row = {"Provider": "APPLE", "SKU": "acme", "Product Type Identifier": "1F", "Units": units, "Begin Date": date,
           "End Date": date, "Country Code": "ZA", "Apple Identifier": "1234567890", "Device": "iPhone"}  # fmt: skip
    cells = [row.get(name.strip().title().replace("Sku", "SKU"), "new") for name in header]
    return f"{separator.join(header)}\n{separator.join(cells)}\n"


DRIFTED = {  # day of January: the report as it came, and the downloads that it tells of
    10: (apple(10), 3),
    11: (apple(11, header=HEADER[::-1]), 3),
    12: (apple(12, header=(*HEADER[:3], "Moon Phase", *HEADER[3:])), 3),
    13: (apple(13, header=HEADER[2:5] + HEADER[6:8]), 3),
    14: ("\ufeff" + apple(14), 3),
    15: (apple(15, separator=";"), 3),
    16: (apple(16, header=(*HEADER[:3], "Quantity", *HEADER[4:])), None),
    17: (apple(17, "1.204"), 1204),
    18: (apple(18, '"1 204"', day="2001-01-18"), 1204),
    19: (apple(19, header=tuple(f"{name.upper()}  " for name in HEADER)), 3),
    20: (apple(20, "3,5"), None),
}  # fmt: skip
DEVICES = 'Date;Package name;Device;Daily User Installs\n2001-01-15;com.acme.radio;"a\nphone; of two lines";4\n'
OVERVIEW = "Daily User Installs,Date,Colour,Package name\n7,2001-01-15,blue,com.acme.radio\n"
NO_APP = "Date,Daily User Installs\n2001-01-15,99\n"


SHOWN = Names(bytes.fromhex(SECRET)).redact_path  # a row of eight digits could be an address


def _context(context_in: Callable[..., JobContext], folder: Path) -> JobContext:
    (folder / "tenants.yaml").write_text(TENANTS)
    (folder / "landing").mkdir()
    return context_in(folder, folder / "landing", folder / "tenants.yaml")


@pytest.fixture
def work(small_in: Callable[..., JobContext], tmp_path: Path) -> JobContext:
    return _context(small_in, tmp_path)


@pytest.fixture
def spark_work(work_in: Callable[..., JobContext], tmp_path: Path) -> JobContext:
    """The same, in which Spark reads landing."""
    return _context(work_in, tmp_path)


def files(work: JobContext) -> dict[str, list[tuple[str, str | None, str | None]]]:
    """Of each report, version by version: status, reason, and the columns that nothing reads."""
    told: dict[str, list[tuple[str, str | None, str | None]]] = {}
    held = work.delta_tables.frame(bronze.FILES).sort("batch_number")
    for row in held.iter_rows(named=True):
        told.setdefault(row["path"], []).append((row["status"], row["reason"], row["unknown_columns"]))
        if row["status"] == "read":
            parts = ("accepted_count", "unclaimed_count", "reject_count", "skipped_count")
            assert row["row_count"] == sum(row[part] for part in parts)
    return told


def apple_days(work: JobContext) -> dict[int, int]:
    return {
        int(id_[-4:-2]): number for id_, number in found(work).items() if id_.startswith("apple") and id_.endswith("*")
    }


def test_case_19_columns_are_matched_by_name_and_a_report_that_lacks_one_stops_no_other(work: JobContext) -> None:
    for on, (content, _) in DRIFTED.items():
        land(work, APPLE.format(f"200101{on}"), content)
    land(work, PLAY.format("device"), b"\xff\xfe" + DEVICES.encode("utf-16-le"))
    land(work, PLAY.format("overview"), OVERVIEW)
    land(work, "google_play/installs_com.acme.radio_200102_overview.csv", NO_APP)
    assert run_reports(work)[0] == len(DRIFTED) + 3
    assert apple_days(work) == {on: number for on, (_, number) in DRIFTED.items() if number is not None}
    assert found(work)["google:com.acme.radio:2001-01-15:*"] == 7
    devices = work.delta_tables.frame(bronze.GOOGLE_PLAY).filter(dimension="device")
    assert devices.select("device", "downloads").rows() == [("a\nphone; of two lines", 4)]
    told = files(work)
    assert told[SHOWN(APPLE.format("20010112"))] == [("read", None, "moon phase")]
    assert told[SHOWN(APPLE.format("20010116"))] == [("quarantined", "no_column_units", None)]
    assert told[SHOWN(APPLE.format("20010120"))] == [("quarantined", "units_no_number", None)]
    assert told[SHOWN(PLAY.format("overview"))] == [("read", None, "colour")]
    assert told["google_play/installs_com.acme.radio_200102_overview.csv"] == [
        ("quarantined", "no_column_package_name", None)
    ]
    assert sum(unknown is not None for versions in told.values() for _, _, unknown in versions) == 2


def test_case_19_a_report_that_comes_again_mended_counts_and_changes_nothing_else(work: JobContext) -> None:
    for on in (15, 16):
        land(work, APPLE.format(f"200101{on}"), DRIFTED[on][0])
    run_reports(work)
    before = found(work)
    land(work, APPLE.format("20010117"), apple(17, header=HEADER[:3]))
    assert run_reports(work) == (1, publish_downloads.Published()), (
        "a bad report alone has nothing to say and stops nothing"
    )
    land(work, APPLE.format("20010116"), apple(16, "5"))
    assert run_reports(work)[0] == 1
    after = found(work)
    assert files(work)[SHOWN(APPLE.format("20010116"))] == [
        ("quarantined", "no_column_units", None),
        ("read", None, None),
    ]
    assert after == {**before, "apple:1234567890:2001-01-16:*": 5, "apple:1234567890:2001-01-16:ZA": 5}
    assert run_reports(work) == (0, publish_downloads.Published())


# --- the second stream under the cases of the first ------------------------------------------------------------------


def state(work: JobContext) -> tuple[object, ...]:
    held = work.delta_tables.frame(bronze.TABLE)
    return found(work), held.height, held.select("path", "batch_number", "row_kind").sort("path", "row_kind").rows()


def test_case_01_reports_committed_to_the_table_but_not_to_the_checkpoint_are_not_read_twice(
    spark_work: JobContext,
) -> None:
    for on in (14, 15):
        land(spark_work, APPLE.format(f"200101{on}"), DRIFTED[on][0])
        run_reports(spark_work)
    before, commits = state(spark_work), Path(spark_work.checkpoints, "ingest_downloads", "query", "commits")
    newest = max(commits.glob("[0-9]*"), key=lambda file: int(file.name))
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink()
    assert run_reports(spark_work) == (0, publish_downloads.Published()) and newest.exists()
    assert state(spark_work) == before


@pytest.mark.parametrize("place", [
    "batch_planned", "batch_read", "replaced silver.downloads", "replacing gold.downloads_by_day", "documents_uncommitted",
    "documents_written",
])  # fmt: skip
def test_case_02_killed_between_two_tables_of_downloads_the_next_run_ends_what_was_begun(
    work: JobContext, place: str
) -> None:
    land(work, APPLE.format("20010115"), DRIFTED[15][0])
    with crashing(place), pytest.raises(Crash):
        run_reports(work)
    run_reports(work)
    assert apple_days(work) == {15: 3} and files(work) == {SHOWN(APPLE.format("20010115")): [("read", None, None)]}
    assert run_reports(work) == (0, publish_downloads.Published())
