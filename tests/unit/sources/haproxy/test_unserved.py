"""A request that reached no server is no evidence of listening, in any log format; it is still counted."""

from __future__ import annotations

import pytest

from metrics_lake.config.tenants import Tenants
from metrics_lake.sources.haproxy.formats.compiler import compiled
from tests.unit.sources.haproxy.logs import SECRET, line, parse, rules_of, text

TENANTS = Tenants.model_validate(
    {"tenants": {"acme": {"name": "Acme", "timezone": "UTC", "streams": {
        "live": {"protocol": "hls", "match": {"path": "/acme/live/*"}},
        "fm": {"protocol": "icecast", "match": {"path": "/acme.mp3"}},
        "raw": {"protocol": "tcp", "match": {"frontend": "fe_tcp"}},
    }}}}
)  # fmt: skip
_AT = "15/Jan/2001:12:00:00"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def tcp(server: str, connect: str, total: str = "3000") -> str:
    return f"192.0.2.7:4711 [{_AT}.000] fe_tcp tbk/{server} 1/{connect}/{total} 5000 -- 2/1/0/0/0 0/0"


def tcp_clf(server: str, connect: str) -> str:
    return (
        f'192.0.2.7 - - [{_AT} +0000] "TCP " 000 5000 "" "" 4711 000 "fe_tcp" "tbk" "{server}" 0 1 {connect} 3000 0 ---- '
        '2 1 0 0 0 0 0 "" "" '
    )


def http_clf(server: str) -> str:
    return (
        f'192.0.2.7 - - [{_AT} +0000] "GET /acme.mp3 HTTP/1.1" 200 5000 "" "" 4711 000 "fe" "bk" "{server}" 0 0 1 5 40 '
        '---- 2 1 0 0 0 0 0 "" "" "VLC/3.0.20"'
    )


def evidence(log_line: str, **haproxy: object) -> list[tuple[bool, int]]:
    """Of the line's visits: whether they show listening, and how many requests they count."""
    visits = parse(text([log_line]), rules=rules_of(TENANTS, haproxy=haproxy)).visits
    return [(visit["is_evidence"], visit["request_count"]) for visit in visits]


@pytest.mark.parametrize("path", ["/acme/live/1.ts", "/acme/live/a.m3u8", "/acme.mp3"])
def test_what_haproxy_answered_by_itself_is_no_listening(path: str) -> None:
    log_line = line(path=path)
    assert evidence(log_line) == [(True, 1)] and evidence(log_line.replace("be/s1", "be/<NOSRV>")) == [(False, 1)]


@pytest.mark.parametrize("server", ["s1", "<CACHE>", "nosrv", "NOSRV", "a-<NOSRV>"])
def test_only_the_name_that_haproxy_has_for_no_server_means_none(server: str) -> None:
    assert evidence(line(path="/acme.mp3").replace("be/s1", f"be/{server}")) == [(True, 1)]


@pytest.mark.parametrize(
    ("log_line", "is_evidence"),
    [
        (tcp("ice1", "0"), True),
        (tcp("ice1", "2", "+3000"), True),
        (tcp("<NOSRV>", "-1"), False),
        (tcp("ice1", "-1"), False),
        (tcp("<NOSRV>", "0"), False),
        (tcp_clf("ice1", "0"), True),
        (tcp_clf("<NOSRV>", "-1"), False),
        (tcp_clf("ice1", "-1"), False),
        (http_clf("web1"), True),
        (http_clf("<NOSRV>"), False),
    ],
)
def test_a_connection_that_reached_no_server_is_no_listening(log_line: str, is_evidence: bool) -> None:
    assert evidence(log_line) == [(is_evidence, 1)]


@pytest.mark.parametrize(
    ("form", "log_line", "is_evidence"),
    [
        ("%ci [%tr] %ft %b/%s %ST %Ta %HM %HP", "fe bk/<NOSRV> 200 40 GET /acme.mp3", False),
        ("%ci [%tr] %ft %b/%s %ST %Ta %HM %HP", "fe bk/web1 200 40 GET /acme.mp3", True),
        ("%ci [%tr] %ft %ST %Ta %HM %HP %s", "fe 200 40 GET /acme.mp3 <NOSRV>", False),
        ("%ci [%tr] %ft %ST %Ta %HM %HP %Tc", "fe 200 40 GET /acme.mp3 -1", True),
        ("%ci [%tr] %ft %ST %Ta %HM %HP", "fe 200 40 GET /acme.mp3", True),
        ('%ci [%tr] {"fe":"%ft","s":"%s","st":%ST,"Ta":%Ta,"m":"%HM","p":"%HP"}',
         '{"fe":"fe","s":"<NOSRV>","st":200,"Ta":40,"m":"GET","p":"/acme.mp3"}', False),
        ("%ci [%t] %ft %Tc %Tt %B", "fe_tcp -1 40 9", False),
        ("%ci [%t] %ft %Tc %Tt %B", "fe_tcp 0 40 9", True),
        ("%ci [%t] %ft %[bc.timer.connect] %Tt %B", "fe_tcp -1 40 9", False),
        ("%ci [%t] %ft %Tt %B", "fe_tcp 40 9", True),
    ],
)  # fmt: skip
def test_a_format_of_one_s_own_tells_it_by_server_or_time_to_connect(
    form: str, log_line: str, is_evidence: bool
) -> None:
    assert evidence(f"192.0.2.7 [{_AT}.000] {log_line}", formats={"*": form}) == [(is_evidence, 1)]


def test_a_format_in_which_nothing_tells_the_server_apart_is_read_as_before() -> None:
    form = "%ci [%tr] %b-%s %ft %ST %Ta %HM %HP"
    assert "server" not in compiled(form).columns
    assert evidence(f"192.0.2.7 [{_AT}.000] bk-<NOSRV> fe 200 40 GET /acme.mp3", formats={"*": form}) == [(True, 1)]


def test_a_line_that_is_cut_in_its_request_is_read_though_the_server_would_follow() -> None:
    form = '%ci [%tr] %ft %ST %Ta "%r" %s'
    assert evidence(f'192.0.2.7 [{_AT}.000] fe 200 40 "GET /acme.mp3?a=', formats={"*": form}) == [(True, 1)]
