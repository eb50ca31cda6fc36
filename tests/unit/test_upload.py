"""The spool of scripts/haproxy/upload.py: each file once, whole, and nothing lost while the net is away."""

from __future__ import annotations

import gzip
import json
import os
import sys
import urllib.error
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "haproxy"
sys.path.insert(0, str(FOLDER))
import upload  # noqa: E402

sys.path.remove(str(FOLDER))


class Container:
    """A store in memory, which may be away for some calls."""

    def __init__(self, away: int = 0) -> None:
        self.blobs: dict[str, tuple[bytes, str]] = {}
        self.away, self.on_put = away, lambda: None

    def put(self, path, packed):
        self.away -= 1
        if self.away >= 0:
            raise urllib.error.URLError("secret-address")
        self.blobs[path] = (packed.path.read_bytes(), packed.log_hash)
        self.on_put()

    def rename(self, old, new):
        if new in self.blobs:
            return False
        self.blobs[new] = self.blobs.pop(old)
        return True

    def log_hash(self, path):
        return self.blobs[path][1]

    def logs(self):
        return {name: gzip.decompress(body) for name, (body, _) in self.blobs.items() if not name.endswith(".tmp")}


@pytest.fixture
def spool(tmp_path):
    return upload.Spool(tmp_path / "spool")


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    taken: list[float] = []
    monkeypatch.setattr(upload.time, "sleep", taken.append)
    return taken


def log(tmp_path, name="haproxy.log-20010115-16", text="one\ntwo\n"):
    file = tmp_path / name
    file.write_text(text)
    return file


def sent(spool, store, patience=100.0):
    return upload.send(spool, store, "haproxy/edge", 0, patience)


def test_a_file_is_uploaded_packed_under_its_name_and_let_go_of(tmp_path, spool):
    store = Container()
    spool.take(log(tmp_path))
    assert sent(spool, store)
    assert store.logs() == {"haproxy/edge/haproxy.log-20010115-16.gz": b"one\ntwo\n"}
    assert spool.waiting() == [] and (tmp_path / "haproxy.log-20010115-16").exists()
    assert spool.state()["sent"]["haproxy.log-20010115-16"]["bytes"] == 8


def test_the_spool_keeps_what_rotation_deletes_and_what_the_daemon_still_writes(tmp_path, spool):
    store, file = Container(), log(tmp_path)
    with file.open("a") as late:
        spool.take(file)
        late.write("late\n")
    file.unlink()
    assert sent(spool, store) and list(store.logs().values()) == [b"one\ntwo\nlate\n"]


def test_a_file_that_was_sent_is_not_sent_again(tmp_path, spool):
    store, file = Container(), log(tmp_path)
    for _ in range(2):
        spool.take(file)
        assert sent(spool, store)
    assert len(store.logs()) == 1 and spool.waiting() == []
    upload.Spool(tmp_path / "other").take(file)  # whose state is lost
    assert sent(upload.Spool(tmp_path / "other"), store) and len(store.logs()) == 1


def test_another_file_of_the_same_name_is_never_written_over_and_stays(tmp_path, spool):
    store = Container()
    spool.take(log(tmp_path))
    assert sent(spool, store)
    spool.take(log(tmp_path, text="other\n"))
    assert not sent(spool, store, patience=0)
    assert list(store.logs().values()) == [b"one\ntwo\n"] and len(spool.waiting()) == 1
    assert "METRICS_LAKE_PROXY" in spool.state()["failed"]["why"]


def test_while_the_net_is_away_it_tries_later_and_later(tmp_path, spool, pauses):
    spool.take(log(tmp_path))
    store = Container(away=4)
    assert sent(spool, store) and len(store.logs()) == 1
    assert pauses == [1, 2, 4, 8]


def test_what_cannot_be_sent_stays_for_the_next_time_and_the_state_says_why(tmp_path, spool, capsys):
    spool.take(log(tmp_path))
    assert not sent(spool, Container(away=99), patience=0)
    assert len(spool.waiting()) == 1
    assert "can not be reached" in spool.state()["failed"]["why"] and "secret" not in json.dumps(spool.state())
    assert "secret" not in capsys.readouterr().err
    assert sent(spool, store := Container()) and len(store.logs()) == 1 and spool.state()["failed"] is None


def test_a_file_that_grows_while_it_is_sent_is_not_given_its_name(tmp_path, spool):
    store, file = Container(), log(tmp_path)

    def grow():
        with file.open("a") as more:
            more.write("more\n")
        store.on_put = lambda: None

    store.on_put = grow
    spool.take(file)
    assert sent(spool, store) and list(store.logs().values()) == [b"one\ntwo\nmore\n"]


def test_two_senders_do_not_send_the_same_file(tmp_path, spool):
    spool.take(log(tmp_path))
    with upload.Spool(spool.folder).alone() as is_alone:
        assert is_alone and sent(spool, Container(away=1)) and len(spool.waiting()) == 1


def test_a_file_on_another_file_system_is_copied(tmp_path, spool, monkeypatch):
    def refused(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    spool.take(log(tmp_path))
    assert [file.read_text() for file in spool.waiting()] == ["one\ntwo\n"]


@pytest.mark.parametrize(("status", "remedy"), [(403, "expired"), (404, "no such container"), (503, "tried again")])
def test_an_answer_of_the_service_is_told_with_its_remedy_and_without_its_address(status, remedy):
    error = urllib.error.HTTPError("https://a.blob.example/c?sig=secret", status, "secret", {}, None)
    assert "secret" not in upload.describe(error) and remedy in upload.describe(error)


@pytest.mark.parametrize(
    "url", ["", "http://acme.blob.core.windows.net/logs", "https://acme.blob.core.windows.net/c?sig=x"]
)
def test_an_address_that_is_none_or_holds_a_sas_is_refused(monkeypatch, url, tmp_path, capsys):
    for name, value in {"SPOOL": tmp_path, "LANDING_URL": url, "STORAGE_SAS": "sig=secret"}.items():
        monkeypatch.setenv(f"METRICS_LAKE_{name}", str(value))
    assert upload.main(["send"], "upload.py", upload.rest_store) == 1
    told = capsys.readouterr().err
    assert told.startswith("upload.py: METRICS_LAKE_LANDING_URL: write https://") and "secret" not in told


def test_a_key_is_read_from_the_file_that_the_environment_names(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("a2V5\n")
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY_FILE", str(tmp_path / "key"))
    assert upload.secret("METRICS_LAKE_STORAGE_KEY") == "a2V5"
    assert os.environ.get("METRICS_LAKE_STORAGE_KEY") is None


def test_a_word_it_does_not_know_is_wrong_usage(capsys):
    assert upload.main(["--sas", "x"], "upload.py", upload.rest_store) == 2
    assert "upload.py take FILE" in capsys.readouterr().err


def test_the_recommended_line_is_the_one_that_the_papers_explain():
    [line] = [each for each in (FOLDER / "haproxy.cfg").read_text().splitlines() if "log-format" in each]
    assert line in (FOLDER.parents[1] / "docs" / "formats.md").read_text()
