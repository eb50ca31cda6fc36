"""The output for people who configure a format: what it parses from their lines, and which format the lines have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from metrics_lake.config.settings import Haproxy, Rules
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.sources.haproxy import formats, line_classes
from metrics_lake.sources.haproxy.formats import checking

GOLDEN = Path(__file__).parents[4] / "golden" / "sources" / "haproxy"


def _lines(case: str) -> list[str]:
    return (GOLDEN / case / "in.log").read_text(encoding="utf-8", errors="replace").split("\n")


def _string(case: str) -> str:
    return str(yaml.safe_load((GOLDEN / case / "settings.yaml").read_text())["formats"]["*"])


def test_a_check_shows_fields_first_lines_and_problems() -> None:
    result = checking.check(_string("key-value"), _lines("key-value"))
    assert (result.read_count, result.skipped_count, result.unread_count) == (5, 2, 3)
    assert ("%[capture.req.hdr(2)]", "user agent") in result.fields
    assert result.lacks == ()
    first = result.records[0]
    assert first["at"] == "2026-03-04T16:13:04.072+00:00"
    assert (first["address"], first["path"], first["status"]) == ("IPv4", "/live/stream.m3u8", 200)
    assert [problem.reason for problem in result.problems] == ["cut_line", "other_format", "cut_line"]


@pytest.mark.parametrize(
    "string", ["httplog", "tcplog", "httplog clf", _string("key-value"), _string("hand-made-json")]
)
def test_no_check_shows_an_address(string: str) -> None:
    everything = [line for folder in sorted(GOLDEN.iterdir()) for line in _lines(folder.name)]
    starts = ("192.0.2.", "203.0.113.", "198.51.100.", "127.0.", "102.195.", "2001:db8")
    for first in range(0, len(everything), 40):
        output = str(checking.check(string, everything[first : first + 40]))
        assert [start for start in starts if start in output] == []


def test_a_check_says_what_the_format_lacks() -> None:
    result = checking.check("%ci [%tr]", ["192.0.2.7 [15/Jan/2001:16:10:25.353]"])
    assert result.read_count == 1
    assert len(result.lacks) == 6


def test_a_check_reads_as_the_settings_say() -> None:
    haproxy = Haproxy.model_validate({"samples": {"var(txn.p)": "user_agent"}, "timezone": "Africa/Johannesburg"})
    result = checking.check("%ci %tr %{+Q}[var(txn.p)]", ['192.0.2.7 15/Jan/2001:16:10:25.353 "VLC"'], haproxy)
    assert (result.records[0]["user_agent"], result.records[0]["at"]) == ("VLC", "2001-01-15T14:10:25.353+00:00")


def test_a_check_of_nothing_is_no_error() -> None:
    assert checking.check("httplog", []).read_count == 0
    assert checking.detect([]) == ()


@pytest.mark.parametrize(
    ("case", "name", "share"),
    [
        ("captures", "httplog", 0.9), ("httpslog", "httpslog", 0.8), ("tcplog", "tcplog", 0.8), ("tcp-clf", "tcplog clf", 0.6),
        ("http-clf", "httplog clf", 0.8), ("key-value", "key=value of a log-format", 0.7), ("wrapped-in-json", "httplog", 0.6),
        ("hand-made-json", "JSON of a log-format", 0.7), ("native-json", "JSON of a log-format", 0.5),
        ("errors-and-notices", "notices", 0.7), ("recommended", "httplog with more behind it", 0.6),
    ],
)  # fmt: skip
def test_a_format_is_named_from_its_lines(case: str, name: str, share: float) -> None:
    result = checking.detect(_lines(case))
    assert result[0].name == name
    assert result[0].share >= share
    assert sum(detected.line_count for detected in result) == len(_lines(case))


def test_bound_formats_are_checked_as_a_whole_and_the_error_names_the_glob() -> None:
    with pytest.raises(formats.FormatError, match=r"haproxy.formats\['custom/\*'\]: unknown alias %cI"):
        formats.bound(Haproxy.model_validate({"formats": {"custom/*": "%cI %tr"}}))
    bindings = formats.bound(
        Haproxy.model_validate({"formats": {"custom/*": ["%ci %tr", "option tcplog"], "x": "auto"}})
    )
    assert [form.name for form in bindings.formats_for("haproxy/custom/2001/a.log")] == ["custom/*", "tcplog"]
    assert bindings.formats_for("haproxy/other/a.log") == ()


@pytest.mark.parametrize("case", sorted(folder.name for folder in GOLDEN.iterdir()))
def test_detect_and_check_say_of_every_line_what_ingest_does(case: str, make_rules: Callable[[Haproxy], Rules]) -> None:
    lines = _lines(case)
    numbered = checking._numbered(lines)
    hasher = Hasher(bytes(range(32)))
    rules = make_rules(Haproxy())
    ingested = line_classes.classify_lines(numbered, rules, hasher, unfinished=set())
    detected = {kind.name: kind.line_count for kind in checking.detect(lines)}
    requests = ingested.accepted.height + ingested.unclaimed.height
    read = sum(count for name, count in detected.items() if name not in NO_REQUESTS and not name.startswith("rejected"))
    doubled = read - requests
    skipped = sum(count for name, count in detected.items() if name in ("notices", "blank"))
    assert doubled >= 0 and skipped + doubled == ingested.skipped.height
    assert sum(detected.values()) == read + skipped + ingested.rejects.height
    checked = checking.check("httplog", lines)
    assert checked.skipped_count == ingested.skipped.height
    assert checked.read_count + checked.unread_count == requests + ingested.rejects.height
    own = sum(count for name, count in detected.items() if name.startswith("http") and name != "httplog clf")
    assert own - doubled <= checked.read_count <= own


NO_REQUESTS = ("notices", "blank", "unknown", "JSON of a log-format", "key=value of a log-format")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tag 1192.0.2.7:4711 [22/Nov/2026:16:10:25.100] fe be/s1 0/0/1/5/40 200 1 - - ---- 1/1/1/1/0 0/0 \"GET /a HTTP/1.1\"", "no_address"),
        ("192.0.2.7:4711 [22/Nov/2026:16:10:25.100] fe be/s1 0/0/1/5/40 200 1 - - ---- 1/1/1/1/0 0/0 \"\"", "empty_request"),
        ("192.0.2.7:4711 [22/Nov/1971:16:10:25.100] fe be/s1 0/0/1/5/40 200 1 - - ---- 1/1/1/1/0 0/0 \"GET /a HTTP/1.1\"", "impossible_time"),
    ],
)  # fmt: skip
def test_what_ingest_rejects_is_no_format_s_and_not_read(line: str, reason: str) -> None:
    assert [kind.name for kind in checking.detect([line] * 10)] == [f"rejected: {reason}"]
    result = checking.check("httplog", [line] * 10)
    assert (result.read_count, result.unread_count, result.problems[0].reason) == (0, 10, reason)
    assert "192" not in result.problems[0].masked_text


def test_a_line_that_another_format_reads_is_named_so() -> None:
    result = checking.check("tcplog", _lines("glued"))
    assert result.read_count == 1 and {problem.reason for problem in result.problems} == {"other_format"}
