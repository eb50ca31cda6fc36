"""`metrics-lake tenants check`: which stream claims which request, before anything is ingested."""

import pytest

from tests.unit.sources.haproxy.logs import line, text

LOG = [
    line(0, "/acme/live/1.ts"),
    line(1, "/acme/live/a.m3u8?token=secret"),
    line(2, "/acme/live/1.ts", status=404),
    line(3, "/favicon.ico"),
    line(4, "/[/nope]/x"),
    "nonsense",
]


@pytest.fixture
def log(world):
    (world.folder / "one.log").write_bytes(text(LOG))
    return world


def test_what_each_stream_claims_is_shown_and_what_none_claims(log):
    ended = log.run("tenants", "check", "one.log")
    rows = [row.split() for row in ended.out.splitlines()]
    assert ended.code == 0 and not ended.err
    assert ["acme", "live", "hls", "3", "2", "/acme/live/1.ts"] in rows
    assert ["acme", "fm", "icecast", "0", "0"] in rows
    assert ["fe", "/favicon.ico", "1"] in rows and ["fe", "/[", "1"] in rows
    assert "6 lines, 5 of them requests: 3 claimed, 2 of no stream" in ended.out
    assert "nothing in these files is of acme.fm" in ended.out
    assert "192.0.2" not in ended.out and "secret" not in ended.out


def test_nothing_is_written_by_a_check(log):
    before = sorted(log.folder.rglob("*"))
    log.run("tenants", "check", "one.log")
    assert sorted(log.folder.rglob("*")) == before


def test_a_wrong_tenants_file_is_told_by_the_paths_that_it_misses(log):
    (log.folder / "other.log").write_bytes(text([line(0, "/radio/1.ts")]))
    ended = log.run("tenants", "check", "other.log")
    assert ended.code == 1 and "no stream claims anything: compare the paths above with `match`" in ended.out


def test_without_a_log_the_streams_are_listed(log):
    ended = log.run("tenants", "check")
    assert ended.code == 0 and "path /acme/live/*" in ended.out and "2 streams of 1 tenants" in ended.out


def test_a_stream_that_can_never_match_fails_the_check_and_says_what_to_do(log):
    tenants = log.folder / "conf" / "tenants.yaml"
    tenants.write_text(tenants.read_text() + '      hd: {protocol: hls, match: {path: "/acme/live/hd/*"}}\n')
    ended = log.run("tenants", "check", "one.log")
    assert ended.code == 1
    assert (
        "acme.hd can never match: acme.live stands before it and takes all its requests; put acme.hd first" in ended.out
    )


@pytest.mark.parametrize(
    ("file", "said"), [("none.log", "none.log can't be read: No such file"), (".", "can't be read")]
)
def test_a_file_that_can_not_be_read_is_one_line(log, file, said):
    ended = log.run("tenants", "check", file)
    assert ended.code == 1 and said in ended.err and "Traceback" not in ended.err
