"""What is new in a landing folder is told by path and content, never by a time stamp alone."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from metrics_lake.io.landing import local_landing
from metrics_lake.io.landing.intake import Intake, new_entries
from metrics_lake.io.landing.local_landing import LandingError, LocalLanding
from metrics_lake.sources.landed_file import FileEntry

FEED = SimpleNamespace(folders=("haproxy",))


@pytest.fixture
def landing(tmp_path) -> Path:
    (tmp_path / "haproxy").mkdir()
    return tmp_path


def put(landing: Path, name: str, content: str, *, age_days: float = 0) -> None:
    path = landing / "haproxy" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    at = 979_560_000 - age_days * 86_400
    os.utime(path, (at, at))


def new(landing: Path, known: list[FileEntry]) -> list[FileEntry]:
    return list(new_entries(LocalLanding(landing), "haproxy", known, str))


def names(entries: list[FileEntry]) -> list[str]:
    return [entry.path.removeprefix("haproxy/") for entry in entries]


def test_files_are_found_in_the_order_of_their_paths_however_deep(landing):
    for name in ("b/2001/x.log", "a.log", "b/2000/y.log.gz"):
        put(landing, name, name)
    assert names(new(landing, [])) == ["a.log", "b/2000/y.log.gz", "b/2001/x.log"]


def test_what_is_known_is_not_found_again(landing):
    put(landing, "a.log", "one")
    assert new(landing, new(landing, [])) == []


def test_a_late_file_is_found_although_it_is_older_than_all_that_is_known(landing):
    put(landing, "b.log", "new")
    known = new(landing, [])
    put(landing, "a.log", "forty days late", age_days=40)
    assert names(new(landing, known)) == ["a.log"]


def test_a_file_from_the_future_hides_nothing(landing):
    put(landing, "future.log", "x", age_days=-4000)
    known = new(landing, [])
    put(landing, "a.log", "today")
    assert names(new(landing, known)) == ["a.log"]


def test_the_same_content_under_a_second_name_is_a_duplicate(landing):
    put(landing, "a.log", "same")
    known = new(landing, [])
    put(landing, "copy.log", "same")
    [copy] = new(landing, known)
    assert copy.is_duplicate and copy.content_hash == known[0].content_hash and not known[0].is_duplicate


def test_a_file_that_was_gone_before_it_was_read_is_read_under_its_new_name_and_once(landing):
    put(landing, "haproxy.log", "same")
    known = new(landing, [])
    (landing / "haproxy/haproxy.log").rename(landing / "haproxy/haproxy.log.1")
    put(landing, "haproxy.log.2", "same")
    found = list(new_entries(LocalLanding(landing), "haproxy", known, str, lambda: {known[0].content_hash}))
    assert [(entry.path, entry.is_duplicate) for entry in found] == [
        ("haproxy/haproxy.log.1", False), ("haproxy/haproxy.log.2", True),
    ]  # fmt: skip


def test_two_copies_that_come_together_are_one_file_and_its_duplicate(landing):
    put(landing, "a.log", "same")
    put(landing, "b.log", "same")
    assert [entry.is_duplicate for entry in new(landing, [])] == [False, True]


def test_empty_files_are_no_duplicates_of_each_other(landing):
    put(landing, "a.log", "")
    put(landing, "b.log", "")
    known = new(landing, [])
    put(landing, "c.log", "")
    assert [entry.is_duplicate for entry in [*known, *new(landing, known)]] == [False, False, False]


def test_a_file_that_changed_is_found_again(landing):
    put(landing, "a.log", "one")
    known = new(landing, [])
    put(landing, "a.log", "one and two", age_days=-1)
    [entry] = new(landing, known)
    assert (entry.path, entry.size_bytes, entry.is_duplicate) == ("haproxy/a.log", 11, False)


def test_a_file_that_changed_within_its_size_is_found_by_its_time(landing):
    put(landing, "a.log", "one")
    known = new(landing, [])
    put(landing, "a.log", "two", age_days=-0.001)
    assert names(new(landing, known)) == ["a.log"]


def test_a_file_that_was_only_touched_is_not_new(landing):
    put(landing, "a.log", "one")
    known = new(landing, [])
    put(landing, "a.log", "one", age_days=-1)
    assert new(landing, known) == []


def test_the_newest_version_of_a_file_is_what_counts(landing):
    put(landing, "a.log", "one")
    known = new(landing, [])
    put(landing, "a.log", "two", age_days=-1)
    known += new(landing, known)
    assert new(landing, known) == []
    put(landing, "a.log", "one", age_days=-2)
    assert [entry.is_duplicate for entry in new(landing, known)] == [True]


@pytest.mark.parametrize(
    "name", [".hidden", ".a/b.log", "a.log.tmp", "a.log.part", "a.partial", ".a.log.swp", "a.log~"]
)
def test_what_is_still_being_written_or_hidden_is_left_alone(landing, name):
    put(landing, name, "x")
    assert new(landing, []) == []


def test_what_is_no_file_is_left_alone(landing):
    os.mkfifo(landing / "haproxy" / "pipe")
    (landing / "haproxy" / "broken").symlink_to(landing / "nowhere")
    put(landing, "a.log", "x")
    assert names(new(landing, [])) == ["a.log"]


def test_other_feeds_folders_are_left_alone(landing):
    (landing / "app_store").mkdir()
    (landing / "app_store" / "report.csv").write_text("x")
    assert new(landing, []) == []


def test_a_missing_landing_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(LandingError, match=r"no landing folder .*none: make it and put logs below .*none/haproxy"):
        new(tmp_path / "none", [])


def test_a_landing_folder_without_the_feed_s_is_empty(tmp_path):
    assert new(tmp_path, []) == []


def test_a_plan_takes_files_up_to_so_many_bytes_and_one_at_least(landing):
    for name, size in (("a", 6), ("b", 4), ("c", 1), ("d", 100), ("e", 1)):
        put(landing, name, name * size)
    stream = Intake(FEED, landing / "checkpoint", str)
    plans = []
    while batch := stream.plan(LocalLanding(landing), {"gap": 60}, 10):
        plans.append(names(list(batch.entries)))
        assert batch.rules == {"gap": 60} and batch.root == str(landing.resolve())
    assert plans == [["a", "b"], ["c"], ["d"], ["e"]]
    assert stream.manifest.last_number == 4


def test_nothing_new_plans_nothing_and_writes_nothing(landing):
    stream = Intake(FEED, landing / "checkpoint", str)
    assert stream.plan(LocalLanding(landing), {}, 10) is None and not (landing / "checkpoint").exists()


def test_what_is_committed_is_read_from_the_checkpoint(tmp_path):
    stream = Intake(FEED, tmp_path, str)
    assert stream.committed == 0
    for folder in ("commits", "offsets"):
        (tmp_path / "query" / folder).mkdir(parents=True)
    for number, batch in ((9, 14), (10, 15), (11, 16)):
        (tmp_path / "query" / "offsets" / str(number)).write_text(f'v1\n{{}}\n{{"batch":{batch}}}')
    for number in (9, 10):
        (tmp_path / "query" / "commits" / str(number)).write_text("v1\n{}")
    assert stream.committed == 15


def _refusing(monkeypatch, name: str, error: OSError) -> None:
    hashed = local_landing.content_hash

    def content_hash(path: Path) -> str:
        if path.name == name:
            raise error
        return hashed(path)

    monkeypatch.setattr(local_landing, "content_hash", content_hash)


@pytest.mark.parametrize(
    ("error", "reason"), [(PermissionError(13, "no"), "not_permitted"), (OSError(5, "input/output"), "not_readable")]
)
def test_a_file_that_can_not_be_read_is_put_off_alone_and_read_once_it_can_be(landing, monkeypatch, error, reason):
    for name in ("a.log", "b.log", "c.log"):
        put(landing, name, name)
    with monkeypatch.context() as patched:
        _refusing(patched, "b.log", error)
        place = LocalLanding(landing)
        known = list(new_entries(place, "haproxy", [], str))
        assert (names(known), place.put_off) == (["a.log", "c.log"], {"haproxy/b.log": reason})
    assert names(new(landing, known)) == ["b.log"]


def test_a_file_that_is_gone_while_it_is_looked_at_is_nothing_to_tell(landing, monkeypatch):
    put(landing, "a.log", "a")
    _refusing(monkeypatch, "a.log", FileNotFoundError(2, "gone"))
    place = LocalLanding(landing)
    assert list(new_entries(place, "haproxy", [], str)) == [] and place.put_off == {}


def test_a_folder_that_can_not_be_listed_is_named_and_others_are_read(landing, monkeypatch):
    put(landing, "a/x.log", "x")
    put(landing, "b/y.log", "y")
    scandir = os.scandir

    def refuse(path):
        if not isinstance(path, int) and Path(path).name == "a":
            raise PermissionError(13, "no", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    place = LocalLanding(landing)
    assert names(list(new_entries(place, "haproxy", [], str))) == ["b/y.log"]
    assert place.put_off == {"haproxy/a/": "not_permitted"}


def test_what_could_not_be_read_before_is_planned_again_and_nothing_else(landing):
    put(landing, "a.log", "a")
    put(landing, "b.log", "b")
    known = new(landing, [])
    again = {(known[0].path, known[0].content_hash)}
    planned = list(new_entries(LocalLanding(landing), "haproxy", known, str, lambda: {known[0].content_hash}, again))
    assert [(entry.path, entry.is_duplicate) for entry in planned] == [("haproxy/a.log", False)]
    stale = {(known[0].path, "another content")}
    assert list(new_entries(LocalLanding(landing), "haproxy", known, str, set, stale)) == []


@pytest.mark.parametrize("name", ["README.md", "readme.txt", "README", "a.log.md5", "a.log.gz.sha256", "_SUCCESS"])
def test_what_is_about_files_is_no_data(landing, name):
    put(landing, f"2001-01-15/16/{name}", "about the logs")
    put(landing, "2001-01-15/16/readme-edge.log", "a log")
    assert names(new(landing, [])) == ["2001-01-15/16/readme-edge.log"]
