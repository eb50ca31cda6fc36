"""However the input is cut, the tables and the JSON are the same; and what nothing touched stays as it was."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from metrics_lake.demo.traffic import Plan, generate
from metrics_lake.gold import listening_by_day, restatements
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.publish import Published
from metrics_lake.jobs.run import run
from tests.lake import contents

PLAN = Plan(days=2, sessions_per_day=60, clients=40, mean_minutes=3)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    generate(PLAN, folder)
    return folder


@pytest.fixture(scope="module")
def at_once(work_in: Callable[..., JobContext], corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> JobContext:
    work = work_in(tmp_path_factory.mktemp("at_once"), corpus / "landing", corpus / "tenants.yaml")
    run(work)
    return work


@pytest.mark.parametrize(
    "from_rows",
    [pytest.param((0, 0), id="by Spark"), pytest.param((0, 500_000), id="by Spark, then here", marks=pytest.mark.slow)],
)
def test_late_and_doubled_and_split_files_give_the_same_tables_and_json(
    work_in: Callable[..., JobContext], corpus: Path, at_once: JobContext, tmp_path: Path, from_rows: tuple[int, int]
) -> None:
    """`at_once` is worked out in this process: so Spark's workers must come to the same too."""
    files = sorted((corpus / "landing").rglob("*.gz"))
    late, early = files[5:9] + files[30:31], files[:5] + files[9:30] + files[31:]
    landing = tmp_path / "landing"
    for part, rows in zip((early, late), from_rows, strict=True):
        work = work_in(
            tmp_path, landing, corpus / "tenants.yaml", f"spark.from_rows={rows}", f"spark.from_bytes={rows}"
        )
        for file in part:
            target = landing / file.relative_to(corpus / "landing")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        if part is late:
            shutil.copy(files[20], target.parent / "again.log.gz")  # the same bytes under another name
            (target.parent / "half.log").write_bytes(
                b"".join(gzip.decompress(files[21].read_bytes()).splitlines(True)[:40])
            )
        run(work)
    assert contents.tables(work.settings) == contents.tables(at_once.settings)
    assert contents.rollups(work.settings) == contents.rollups(at_once.settings)
    _assert_restated(work, [file.relative_to(corpus / "landing").as_posix() for file in late])


def _assert_restated(work: JobContext, late: list[str]) -> None:
    """Each figure that a late file changed is told with what it was, what the table has now, and that file."""
    told = work.delta_tables.frame(restatements.TABLE)
    days = work.delta_tables.frame(listening_by_day.TABLE)
    paths = set(told["paths"].explode())
    assert paths and all(path in late or path.endswith("/half.log") for path in paths)
    for row in told.iter_rows(named=True):
        mine = days.filter(tenant=row["tenant"], stream=row["stream"], listened_on=row["listened_on"])
        assert row["was"] != row["became"] == float(mine[row["figure"]].item()) and row["paths"]


def test_a_second_run_with_nothing_new_writes_nothing(at_once: JobContext) -> None:
    places = [Path(at_once.settings.storage.lake), Path(at_once.settings.storage.rollups)]
    before = {path: path.stat().st_mtime_ns for place in places for path in place.rglob("*") if path.is_file()}
    done = run(at_once)
    after = {path: path.stat().st_mtime_ns for place in places for path in place.rglob("*") if path.is_file()}
    assert (done.files, any(done.refined.values()), any(done.computed.values()), done.published.written) == (
        0,
        False,
        False,
        0,
    )
    assert {p: t for p, t in after.items() if p.name != "writer.lock"} == {
        p: t for p, t in before.items() if p.name != "writer.lock"
    }


def test_a_run_into_another_lake_publishes_what_differs_there(
    small_in: Callable[..., JobContext], corpus: Path, at_once: JobContext, tmp_path: Path
) -> None:
    landing, files = tmp_path / "landing", sorted((corpus / "landing").rglob("*.gz"))
    for some, lake in ((files[:20], "first"), (files[20:], "second")):
        for file in some:
            target = landing / file.relative_to(corpus / "landing")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        work = small_in(tmp_path, landing, corpus / "tenants.yaml", f"storage.lake={tmp_path / lake}")
        assert run(work).published.written > 0
    assert contents.rollups(work.settings) == contents.rollups(at_once.settings)
    assert run(work).published == Published()


def test_a_file_that_cannot_be_unpacked_is_set_aside_whole_and_heals_when_it_comes_again(
    work_in: Callable[..., JobContext], corpus: Path, tmp_path: Path
) -> None:
    whole = sorted((corpus / "landing").rglob("*.gz"))[20]
    folder = tmp_path / "landing" / "haproxy" / "edge-01"
    folder.mkdir(parents=True)
    (folder / "a.log.gz").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "empty.log").write_bytes(b"")
    (folder / "text.log.gz").write_bytes(b"no gzip at all\n")
    (folder / "good.log").write_bytes(gzip.decompress(whole.read_bytes()))
    work = work_in(tmp_path, tmp_path / "landing", corpus / "tenants.yaml")
    run(work)
    files = _files(work)
    assert {path: (status, reason) for path, status, reason, _ in files} == {
        "haproxy/edge-01/a.log.gz": ("quarantined", "gzip_truncated"),
        "haproxy/edge-01/empty.log": ("empty", None),
        "haproxy/edge-01/text.log.gz": ("read", None),
        "haproxy/edge-01/good.log": ("read", None),
    }
    sessions = pl.read_delta(f"{work.settings.storage.lake}/silver/sessions").height
    assert sessions > 0
    (folder / "a.log.gz").write_bytes(whole.read_bytes())
    run(work)
    assert ("haproxy/edge-01/a.log.gz", "read", None) in {file[:3] for file in _files(work)}
    assert pl.read_delta(f"{work.settings.storage.lake}/silver/sessions").height == sessions


def _files(work: JobContext) -> list[tuple[str, str, str | None, int]]:
    bronze = pl.read_delta(f"{work.settings.storage.lake}/bronze/haproxy").filter(pl.col("row_kind") == "file")
    return bronze.select("path", "status", "reason", "line_count").rows()
