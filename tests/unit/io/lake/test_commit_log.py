"""What a table's commits remember, read from its log without Spark."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from metrics_lake.io.lake.commit_log import Commit, CommitLog, Progress
from metrics_lake.model.tables import Table

TABLE = Table("silver.things", columns="name STRING COMMENT 'Name'")


def commit(root: Path, progress: Progress | None) -> None:
    metadata = {"userMetadata": progress.as_text()} if progress else {}
    rows = pa.table({"name": ["a"]})
    write_deltalake(
        f"{root}/silver/things", rows, mode="append", commit_properties=CommitProperties(custom_metadata=metadata)
    )


def progress(number: int) -> Progress:
    return Progress("refine", {"bronze.haproxy": number}, "0123456789ab", ("2001-01-15",), {"rows": 3})


@pytest.fixture
def commit_log(tmp_path) -> CommitLog:
    return CommitLog(str(tmp_path))


def test_a_table_that_is_not_there_has_no_version_and_no_commits(commit_log):
    assert (commit_log.version(TABLE), commit_log.commits(TABLE), commit_log.last(TABLE)) == (-1, [], None)


def test_commits_come_back_newest_first_as_they_were_written(commit_log, tmp_path):
    for number in (1, 2, 3):
        commit(tmp_path, progress(number))
    assert commit_log.commits(TABLE) == [Commit(version, progress(version + 1)) for version in (2, 1, 0)]
    assert commit_log.last(TABLE) == Commit(2, progress(3)) and commit_log.version(TABLE) == 2


def test_only_commits_after_a_version_are_told(commit_log, tmp_path):
    for number in (1, 2, 3):
        commit(tmp_path, progress(number))
    assert [found.version for found in commit_log.commits(TABLE, after=0)] == [2, 1]
    assert commit_log.commits(TABLE, after=2) == []


def test_commits_of_upkeep_say_nothing_and_hide_nothing(commit_log, tmp_path):
    commit(tmp_path, progress(1))
    commit(tmp_path, None)
    assert commit_log.version(TABLE) == 1
    assert commit_log.last(TABLE) == Commit(0, progress(1))


def test_the_last_commit_up_to_a_version_is_found_behind_any_number_of_others(commit_log, tmp_path):
    for number in (1, 2):
        commit(tmp_path, progress(number))
    for _ in range(9):
        commit(tmp_path, None)
    commit(tmp_path, progress(3))
    assert [commit_log.last(TABLE, until=until) for until in (-1, 0, 1, 10)] == [
        None, Commit(0, progress(1)), Commit(1, progress(2)), Commit(1, progress(2)),
    ]  # fmt: skip
    assert commit_log.last(TABLE) == commit_log.last(TABLE, until=99) == Commit(11, progress(3))


def test_the_last_commit_is_found_without_reading_all_before_it(commit_log, tmp_path, monkeypatch):
    for number in range(9):
        commit(tmp_path, progress(number))
    asked, read = [], DeltaTable.history
    monkeypatch.setattr(DeltaTable, "history", lambda table, limit=None: asked.append(limit) or read(table, limit))
    assert commit_log.last(TABLE) == Commit(8, progress(8)) and asked == [1]
