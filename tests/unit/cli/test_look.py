"""`metrics-lake look`: one log without any settings."""

import gzip

import pytest
import yaml

from metrics_lake.config.tenants import Tenants
from tests.unit.sources.haproxy.logs import line, text

LISTENERS = [
    *(line(n * 6, f"/rock/{n}.ts") for n in range(10)),  # 0 to 60 s
    line(0, "/fm.mp3", timers="0/0/1/5/1800000", address="192.0.2.8", agent="AppleCoreMedia/1.0"),
    line(600, "/fm.mp3", timers="0/0/1/5/60000", address="192.0.2.9", agent="Googlebot/2.1"),
    line(3, "/favicon.ico"),
    "nonsense",
]


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "haproxy.log"
    file.write_bytes(text(LISTENERS))
    return file


def test_one_log_shows_streams_sessions_peak_and_players_without_settings(run, log, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no conf folder is here
    ended = run("look", str(log))
    assert ended.code == 0 and not ended.err
    assert "14 lines from 2001-01-15 12:00" in ended.out and "1 rejected" in ended.out
    assert "2 sessions of 2 listeners, 0.5 hours, at most 2 at once, at 2001-01-15 12:00" in ended.out
    assert "sessions not counted: bot 1" in ended.out and "/favicon.ico 1" in ended.out
    assert "/rock/*" in ended.out and "AppleCoreMedia" in ended.out
    assert {path.name for path in tmp_path.iterdir()} == {"haproxy.log"}, "a look writes nothing"
    assert "192.0.2" not in ended.out


def test_the_proposal_is_a_tenants_file_that_loads(run, log, tmp_path):
    out = tmp_path / "tenants.yaml"
    ended = run("look", str(log), "--timezone", "Asia/Kathmandu", "--out", str(out))
    assert ended.code == 0 and out.read_text() in ended.out
    tenant = Tenants.model_validate(yaml.safe_load(out.read_text())).tenants["station"]
    assert tenant.timezone == "Asia/Kathmandu"
    assert {name: stream.protocol for name, stream in tenant.streams.items()} == {"rock": "hls", "fm": "icecast"}


def test_several_logs_are_one_answer_and_packed_ones_are_read(run, log, tmp_path):
    packed = tmp_path / "more.log.gz"
    packed.write_bytes(gzip.compress(text([line(3600, "/fm.mp3", timers="0/0/1/5/60000", address="192.0.2.30")])))
    assert "3 sessions of 3 listeners" in run("look", str(log), str(packed)).out


@pytest.mark.parametrize(("words", "message"), [
    (["nofile.log"], "nofile.log can't be read: No such file or directory"),
    (["empty.log"], "no line is a request"),
    (["noise.log"], "no line is a request"),
    (["haproxy.log", "--timezone", "Mars/Base"], "no such time zone: 'Mars/Base'; use an IANA name"),
    (["haproxy.log", "--out", "haproxy.log"], "haproxy.log is there already; name another file"),
    (["haproxy.log", "--out", "no/folder.yaml"], "can't be written"),
])  # fmt: skip
def test_a_mistake_gets_one_line_that_names_it(run, log, monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "noise.log").write_text("this is\nno log\n")
    ended = run("look", *words)
    assert ended.code in (1, 2) and message in " ".join(ended.err.split()) and "Traceback" not in ended.err


def test_a_log_whose_requests_are_nobodys_stream_still_says_what_it_has(run, tmp_path):
    file = tmp_path / "web.log"
    file.write_bytes(text([line(0, "/favicon.ico"), line(1, "/index.html")]))
    ended = run("look", str(file))
    assert ended.code == 0 and "0 sessions of 0 listeners" in ended.out and "/favicon.ico 1" in ended.out
