"""From bytes of files to rows of bronze: every line is counted in exactly one class, and nothing is lost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.config.tenants import Tenants
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.sources.haproxy import reading
from metrics_lake.sources.landed_file import UnreadableFile
from tests.unit.drawing import rows, utc
from tests.unit.sources.haproxy.logs import NOON, SECRET, InMemoryFile, line, parse, rules_of, text

SYSLOG = "Jan 15 12:00:00 edge-07 haproxy[123]: "
NOTICE = SYSLOG + "Proxy fe stopped (cumulated conns: FE: 12, BE: 0)."


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


# --- every line in one account ---------------------------------------------------------------------------------------

KINDS = {
    "good": (lambda n: line(n, f"/acme/live/{n}.ts"), "accepted"),
    "icecast": (lambda n: line(n, "/acme.mp3", timers=f"0/0/1/5/{n}000"), "accepted"),
    "not found": (lambda n: line(n, f"/acme/live/{n}.ts", status=404), "accepted"),
    "unclaimed": (lambda n: line(n, f"/nobody/{n}.ts"), "unclaimed"),
    "nonsense": (lambda n: f"nonsense number {n}", "reject"),
    "half a line": (lambda n: line(n)[:60], "reject"),
    "notice": (lambda n: NOTICE, "skipped"),
    "blank": (lambda n: " " * (n % 3), "skipped"),
    "double": (lambda n: line(0, "/acme/live/doubled.ts"), "skipped"),
}
SOME_LINES = st.lists(st.sampled_from(sorted(KINDS)), max_size=25)


def written(kinds: list[str], **ends: str) -> tuple[bytes, dict[str, int]]:
    """A file of such lines, and what its accounts must be; the first double is no double yet."""
    lines = [KINDS[kind][0](number) for number, kind in enumerate(kinds, 1)]
    accounts = [KINDS[kind][1] for kind in kinds]
    if "double" in kinds:
        accounts[kinds.index("double")] = "accepted"
    return text(lines, **ends), {name: accounts.count(name) for name in sorted(set(accounts))}


@settings(max_examples=20)
@given(SOME_LINES, st.sampled_from(["\n", "\r\n"]))
def test_every_line_stands_in_the_one_account_it_belongs_to(kinds, end):
    content, accounts = written(kinds, end=end, last=end)
    got = parse(content)
    assert got.accounts == accounts
    assert got.files[0]["line_count"] == len(kinds)
    assert sum(visit["request_count"] for visit in got.visits) == accounts.get("accepted", 0)
    assert len(got.rows("reject")) == accounts.get("reject", 0)
    assert sum(row["line_count"] for row in got.rows("unclaimed")) == accounts.get("unclaimed", 0)


@settings(max_examples=15)
@given(st.lists(SOME_LINES, min_size=1, max_size=12))
def test_files_that_are_read_together_keep_their_own_accounts(several):
    files = [written(kinds) for kinds in several]
    got = parse(*(InMemoryFile(content, f"haproxy/{n}.log") for n, (content, _) in enumerate(files)))
    names = ("accepted", "reject", "skipped", "unclaimed")
    accounts = [{name: row[f"{name}_count"] for name in names if row[f"{name}_count"]} for row in got.files]
    assert accounts == [expected for _, expected in files]


GOOD = text([line(n, f"/acme/live/{n}.ts") for n in range(3)])
ODD_BYTES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from([GOOD, GOOD[:70], b"\n", b"\r", b"\0", b"\xff", b" [", b'"', b"15/Jan/2001:", b"{|}", b"{"]))
    .map(b"".join),
)  # fmt: skip


@settings(max_examples=15)
@given(st.lists(ODD_BYTES, max_size=12))
def test_whatever_the_bytes_are_each_file_s_lines_add_up(contents):
    got = parse(*(InMemoryFile(content, f"haproxy/{n}.log") for n, content in enumerate(contents)))
    for content, row in zip(contents, got.files, strict=True):
        output = content.replace(b"\0", b"")
        lines = output.count(b"\n") + (not output.endswith(b"\n")) if content else 0
        accounts = (row[f"{name}_count"] for name in ("accepted", "reject", "unclaimed", "skipped"))
        assert row["line_count"] == sum(accounts) == lines


def test_a_file_is_read_the_same_in_one_chunk_and_in_many(monkeypatch):
    content = text([KINDS[kind][0](n) for n, kind in enumerate(sorted(KINDS) * 3)])

    class InPieces(InMemoryFile):
        def pieces(self):
            yield from (line + b"\n" for line in self.content.removesuffix(b"\n").split(b"\n"))

    whole = parse(content)
    monkeypatch.setattr(reading, "_CHUNK_BYTES", 1)
    apart = parse(InPieces(content))
    # A double in another chunk is found later, when sessions are built: its line_id says so.
    assert sum(apart.accounts.values()) == sum(whole.accounts.values())
    assert apart.accounts["reject"] == whole.accounts["reject"] and apart.rejects == whole.rejects
    ids = [{line_id for visit in read.visits for line_id in visit["line_ids"]} for read in (whole, apart)]
    assert ids[0] == ids[1]


# --- files that are no whole files -----------------------------------------------------------------------------------


def test_an_empty_file_is_distinguished_from_one_without_requests():
    assert [row["status"] for row in parse(b"", b"\n").files] == ["empty", "read"]


def test_a_duplicate_is_counted_and_not_read():
    got = parse(InMemoryFile(text([SYSLOG + line(), "nonsense"]), "haproxy/haproxy.log", is_duplicate=True))
    assert got.accounts == {"skipped": 2} and not got.visits and not got.rejects
    assert (got.files[0]["status"], got.files[0]["proxy"]) == ("duplicate", "edge-07")


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"Proxy fe started.\n", b"nonsense number 7\n"])
def test_a_file_without_a_stamp_is_never_a_copy_of_another_hour_s(content):
    first, second = "haproxy/e/haproxy.log-20010115-12", "haproxy/e/haproxy.log-20010115-13"
    got = parse(InMemoryFile(content, first), InMemoryFile(content, second, is_duplicate=True))
    assert [row["status"] for row in got.files] == (["read"] * 2 if content else ["empty"] * 2)
    accounts = [[row[f"{name}_count"] for name in ("line", "skipped", "reject")] for row in got.files]
    assert accounts[0] == accounts[1]


@pytest.mark.parametrize("rows", [
    [line(n, f"/nobody/{n}.ts") for n in (10, 900)],                              # of nobody's stream
    [line(n, f"/acme/live/{n}.ts", status=404) for n in (10, 900)],                # no evidence
    [line(10, "/acme/live/1.ts"), line(900, "/acme/live/9.ts", address="unix")],  # refused, but not for its time
    [line(10), line(900), line(5 * 86_400)],                                      # an impossible one is of no hour
])  # fmt: skip
def test_a_file_s_account_tells_its_first_and_last_line_whoever_they_are_of(rows):
    [file] = parse(text(rows)).files
    seconds = [(file[name] - utc("2001-01-15 12:00")).total_seconds() for name in ("first_logged_at", "last_logged_at")]
    assert seconds == [10.04, 900.04]


def test_a_file_that_can_not_be_unpacked_is_named_and_the_others_are_read():
    class Damaged(InMemoryFile):
        def pieces(self):
            raise UnreadableFile("gzip_damaged")
            yield b""

    got = parse(Damaged(b"x", "haproxy/bad.log.gz"), InMemoryFile(GOOD, "haproxy/good.log"))
    counts = [(row["path"], row["status"], row["reason"], row["accepted_count"]) for row in got.files]
    assert counts == [("haproxy/bad.log.gz", "quarantined", "gzip_damaged", 0), ("haproxy/good.log", "read", None, 3)]


def test_no_files_give_no_rows():
    assert parse().frame.height == 0


def test_a_file_row_says_where_and_when_and_by_which_bytes():
    content = text([line(-60, timers="0/0/1/5/30000"), line(5)])
    [row] = parse(content).files
    assert (row["path"], row["size_bytes"]) == (InMemoryFile(content).path, len(content))
    assert (
        row["content_hash"] == InMemoryFile(content).entry.content_hash and row["file_id"] == row["content_hash"][:16]
    )
    assert row["first_logged_at"] == utc("2001-01-15 11:59:30") and row["happened_on"].isoformat() == "2001-01-15"
    assert row["last_logged_at"] == utc("2001-01-15 12:00:05") + timedelta(milliseconds=40)


# --- ends of lines and files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("a BOM", b"\xef\xbb\xbf" + GOOD),
        ("CRLF", GOOD.replace(b"\n", b"\r\n")),
        ("NULs before a line, as a copied and truncated log has", b"\0" * 500 + GOOD),
        ("no line end at the end", GOOD.removesuffix(b"\n")),
        (
            "a BOM and CRLF and no line end at the end",
            b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n").removesuffix(b"\r\n"),
        ),
    ],
)
def test_how_a_file_is_stored_changes_nothing(what, content):
    got = parse(content)
    assert got.accounts == {"accepted": 3}
    assert got.visits[0]["line_ids"] == parse(GOOD).visits[0]["line_ids"]


@pytest.mark.parametrize("remaining", [20, 60, 100, 130])
def test_a_last_line_that_is_cut_is_distinguished_from_whole_ones(remaining):
    got = parse(GOOD + line(9).encode()[:remaining])
    assert got.accounts == {"accepted": 3, "reject": 1} and list(got.rejects) == [4]


def test_a_last_line_that_is_cut_within_its_request_is_not_taken_for_another_path():
    got = parse(GOOD + line(9, "/acme/live/9.ts").encode()[: -len("9.ts HTTP/1.1") - 1])
    assert got.rejects == {4: "cut_at_end_of_file"}


def test_a_line_that_syslog_cut_counts_although_the_file_s_last_one_is_cut_too():
    cut_by_syslog = line(5, version="")[:-1]
    got = parse(text([line(1), cut_by_syslog]) + b"nonsen")
    assert got.accounts == {"accepted": 2, "reject": 1} and list(got.rejects) == [3]


# --- doubles -----------------------------------------------------------------------------------------------------------


def test_a_line_that_stands_twice_is_one_request():
    got = parse(text([line(1), line(2), line(1)]))
    assert got.accounts == {"accepted": 2, "skipped": 1}


def test_two_people_s_requests_of_one_millisecond_are_two():
    got = parse(text([line(1, address="192.0.2.1"), line(1, address="192.0.2.2")]))
    assert got.accounts == {"accepted": 2} and len({visit["listener_id"] for visit in got.visits}) == 2


def test_a_line_has_the_same_fingerprint_wherever_and_however_it_arrives():
    plain, with_header = parse(text([line(1)])), parse(InMemoryFile(text([SYSLOG + line(1)]), "haproxy/other/x.log"))
    assert plain.visits[0]["line_ids"] == with_header.visits[0]["line_ids"]


# --- rejects and unclaimed -------------------------------------------------------------------------------------------


def test_a_reject_keeps_its_line_masked_with_its_number_and_the_file_s_day():
    got = parse(text([line(1), "from 192.0.2.99 with sid=abc at /x?token=1"]))
    [reject] = got.rows("reject")
    assert reject["line_number"] == 2 and reject["happened_on"].isoformat() == "2001-01-15"
    assert reject["masked_text"] == "from 999.9.9.99 aaaa aaa=aaa aa /a?aaaaa=9"


def test_unclaimed_requests_are_counted_by_frontend_and_first_element():
    paths = ["/nobody/a.ts", "/nobody/b/c.ts?x=1", "/other", "/192.0.2.9/x"]
    got = parse(text([line(n, path, frontend="fe_x~") for n, path in enumerate(paths)]))
    counts = {(row["frontend"], row["path_start"]): row["line_count"] for row in got.rows("unclaimed")}
    assert counts == {("fe_x", "/nobody"): 2, ("fe_x", "/other"): 1, ("fe_x", "/<address>"): 1}


@pytest.mark.parametrize("notice", [
    NOTICE,
    "Server be/s1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active and 0 backup servers left.",
    SYSLOG + "[NOTICE] 014/120000 (7) : New worker #1 (9) forked",
    SYSLOG + "backend be has no server available!",
])  # fmt: skip
def test_what_haproxy_says_of_itself_is_no_fault_of_the_log(notice):
    assert parse(text([notice])).accounts == {"skipped": 1}


def test_an_error_before_any_request_is_no_fault_of_the_log():
    got = parse(text(["192.0.2.7:4711 [15/Jan/2001:12:00:00.000] fe/1: SSL handshake failure"]))
    assert got.accounts == {"skipped": 1}


# --- what becomes of a request -----------------------------------------------------------------------------------------


def test_a_visit_holds_its_requests_as_arrays():
    got = parse(text([line(0.25, size="100"), line(6.25, timers="0/0/1/5/70", status=206, size="200")]))
    [visit] = got.visits
    assert (visit["tenant"], visit["stream"], visit["protocol"], visit["is_evidence"]) == ("acme", "live", "hls", True)
    assert visit["first_at"] == utc("2001-01-15 12:00") + timedelta(milliseconds=250)
    assert visit["last_at"] == utc("2001-01-15 12:00:12") + timedelta(milliseconds=320)
    assert (visit["offsets_ms"], visit["durations_ms"]) == ([0, 6000], [40, 70])
    assert (visit["statuses"], visit["sizes_bytes"], visit["request_kinds"]) == ([200, 206], [100, 200], [1, 1])
    assert (visit["request_count"], visit["media_count"], visit["byte_count"]) == (2, 2, 300)
    assert (visit["gap_seconds"], visit["segment_seconds"]) == (60, 6)


def test_a_listener_is_the_hash_of_address_and_agent_that_the_secret_gives():
    got = parse(text([line(agent="My #22Radio#22/1")]))
    assert got.visits[0]["listener_id"] == Hasher(bytes.fromhex(SECRET)).listener(
        "acme", "", "192.0.2.7", 'My "Radio"/1'
    )


@pytest.mark.parametrize(
    ("captures", "has_agent", "source"),
    [
        ("{VLC/3.0.20}", True, "direct"),
        ("{h.example|https://a.Example:8080/x?q=1|VLC/3.0.20}", True, "a.example"),
        ("{h.example||VLC/3.0.20}", True, "direct"),
        ("{h.example|https://user:secret@a.example/|VLC} {text/html}", True, "a.example"),
        ("{h.example|-|-}", None, "direct"),  # the third may be another header: nothing shows it
        ("{h.example|https://a.example/|-}", False, "a.example"),
        ("{}", False, "direct"),
        ("{} {}", False, "direct"),
        ("{||} {}", None, "direct"),
        ("{h.example|https://a.example/}", None, "a.example"),
        ("{|} {text/html}", None, "direct"),
        ("", None, "direct"),
    ],
)
def test_captured_headers_are_named_by_values_and_number(captures, has_agent, source):
    [visit] = parse(text([line(captures=captures)])).visits
    assert (visit["has_agent"], visit["source"]) == (has_agent, source)


@pytest.mark.parametrize(
    ("layout", "captures", "has_agent"),
    [
        (["host"], "{h.example}", None),
        (["other"], "{text/html}", None),
        (["host", "user_agent"], "{h.example|}", False),
        (["host", "user_agent"], "{h.example}", None),
        (["host", "user_agent"], "", None),
    ],
)
def test_the_layout_of_a_frontend_says_whether_the_log_has_a_place_for_the_agent(layout, captures, has_agent):
    settings = rules_of(haproxy={"captures": {"fe": layout}})
    [visit] = parse(text([line(captures=captures)]), rules=settings).visits
    assert (visit["has_agent"], visit["player"]) == (has_agent, "unknown" if has_agent is None else "other")


@pytest.mark.parametrize(
    ("form", "what", "has_agent"),
    [
        ("%ci [%tr] %ft %ST %Ta %HM %HP", "", None),
        ('%ci [%tr] %ft %ST %Ta %HM %HP "%[req.hdr(user-agent)]"', ' "-"', False),
        ('%ci [%tr] %ft %ST %Ta %HM %HP "%[capture.req.hdr(0)]"', ' ""', False),
        ('%ci [%tr] %ft %ST %Ta %HM %HP "%[capture.req.hdr(1)]"', ' "h.example"', None),
    ],
)
def test_a_format_of_one_s_own_without_the_agent_leaves_it_unknown(form, what, has_agent):
    rules = rules_of(haproxy={"formats": {"*": form}, "captures": {"fe": ["user_agent", "host"]}})
    log_line = f"192.0.2.7 [15/Jan/2001:12:00:00.000] fe 200 40 GET /acme.mp3{what}"
    assert [visit["has_agent"] for visit in parse(text([log_line]), rules=rules).visits] == [has_agent]


def test_captured_headers_are_named_by_the_layout_of_their_frontend():
    settings = rules_of(haproxy={"captures": {"fe": ["referer", "user_agent", "other"]}})
    [visit] = parse(text([line(captures="{https://a.example/|VLC/3.0.20|h.example}")]), rules=settings).visits
    assert (visit["player"], visit["source"]) == ("VLC", "a.example")


@pytest.mark.parametrize("path", [
    "/acme/live/1.ts?token=secret", "https://cdn.example/acme/live/1.ts?x", "HTTP://cdn.example:443/acme/live/1.ts",
])  # fmt: skip
def test_a_path_is_parsed_without_scheme_host_and_query(path):
    got = parse(text([line(path=path)]))
    assert got.accounts == {"accepted": 1} and "secret" not in json.dumps(got.frame.to_dicts(), default=str)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "unix"])
def test_addresses_of_either_family_are_read_and_none_is_written(address):
    got = parse(text([line(address=address)]))
    assert got.accounts == {"accepted": 1}
    output = json.dumps(got.frame.to_dicts(), default=str)
    assert address not in output or address == "unix"


def test_an_early_line_of_a_long_connection_has_a_start_and_no_end():
    [visit] = parse(text([line(path="/acme.mp3", timers="0/0/1/5/+6", size="+250")])).visits
    assert (visit["has_end"], visit["first_at"] == visit["last_at"], visit["durations_ms"]) == (False, True, [None])


def test_requests_that_show_no_listening_are_kept_apart():
    got = parse(text([line(1), line(2, status=404), line(3, method="HEAD")]))
    counts = {visit["is_evidence"]: visit["request_count"] for visit in got.visits}
    assert counts == {True: 1, False: 2}


ZONES = rows("""
    zone                | on the wall          | instant
    UTC                 | 15/Jan/2001:12:00:00 | 2001-01-15 12:00:00
    Africa/Johannesburg | 15/Jan/2001:12:00:00 | 2001-01-15 10:00:00
    America/New_York    | 15/Jul/2001:12:00:00 | 2001-07-15 16:00:00
    Asia/Kathmandu      | 15/Jan/2001:00:00:00 | 2001-01-14 18:15:00
    """)


@pytest.mark.parametrize("row", ZONES, ids=[row["zone"] for row in ZONES])
def test_stamps_are_read_on_the_clock_of_the_host_that_wrote_them(row):
    written_at = datetime.strptime(row["on the wall"], "%d/%b/%Y:%H:%M:%S")
    content = text([line((written_at - NOON).total_seconds())])
    [visit] = parse(InMemoryFile(content, "haproxy/a.log"), rules=rules_of(haproxy={"timezone": row["zone"]})).visits
    assert visit["first_at"].astimezone(timezone.utc) == row["instant"]


def test_the_same_stamp_in_a_later_clock_is_another_day():
    content = text([line(11.9 * 3600)])
    days = [
        parse(content, rules=rules_of(haproxy={"timezone": zone})).visits[0]["happened_on"].isoformat()
        for zone in ("UTC", "America/New_York")
    ]
    assert days == ["2001-01-15", "2001-01-16"]


def tenants_with(**stream) -> Tenants:
    live = {"protocol": "hls", "match": {"path": "/acme/live/*"}, **stream}
    return Tenants.model_validate({"tenants": {"acme": {"name": "A", "timezone": "UTC", "streams": {"live": live}}}})


def test_a_stream_may_have_its_own_segment_length():
    own = tenants_with(segment_seconds=2)
    [visit] = parse(text([line()]), rules=rules_of(own)).visits
    assert (visit["last_at"] - visit["first_at"]).total_seconds() == pytest.approx(2.04)


def test_the_gap_of_the_settings_folds_the_requests():
    content = text([line(0), line(50)])
    assert len(parse(content).visits) == 1
    assert len(parse(content, rules=rules_of(sessions={"gap_seconds": 30})).visits) == 2


def test_every_row_has_what_its_kind_must_have():
    got = parse(text([line(1), line(2, "/nobody"), "nonsense"]))
    needed = {
        "visit": ("tenant", "stream", "listener_id", "first_at", "last_at", "request_count"),
        "reject": ("line_number", "reason", "masked_text"),
        "unclaimed": ("frontend", "path_start", "line_count"),
        "file": ("path", "status", "proxy", "line_count", "content_hash", "captures", "capture_conflicts"),
        "frontend": ("frontend", "line_count", "without_request_count", "without_agent_count", "media_count"),
    }
    assert set(got.frame["row_kind"]) == set(needed)
    for kind, names in needed.items():
        part = got.frame.filter(pl.col("row_kind") == kind)
        assert part.select("happened_on", "batch_number", "file_id", *names).null_count().sum_horizontal().item() == 0


# --- addresses in names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "column", "kind"),
    [
        (InMemoryFile(text([SYSLOG.replace("07", "192.0.2.9") + line()]), "haproxy/a.log"), "proxy", "file"),
        (InMemoryFile(text([line(frontend="fe_192.0.2.9", path="/nobody/1.ts")])), "frontend", "unclaimed"),
    ],
)
def test_an_address_in_the_name_of_a_proxy_or_frontend_becomes_a_mark(file, column, kind):
    [row] = parse(file).rows(kind)
    assert "192.0.2.9" not in row[column] and row[column].rstrip(">")[:-12].endswith("<address:")


def test_a_hostile_frontend_costs_no_more_than_its_length():
    [row] = parse(text([line(frontend="f" * 30_000, path="/nobody/1.ts")])).rows("unclaimed")
    assert row["frontend"].startswith("<address:")


def test_a_format_is_bound_to_a_folder_by_its_true_name_and_the_file_shown_by_its_mark():
    bound = rules_of(haproxy={"formats": {"192.0.2.9": "%ci [%tr] %ft %ST %B %Ta %{+Q}r"}})
    content = b'192.0.2.7 [15/Jan/2001:12:00:00.000] fe 200 10 5 "GET /acme/live/1.ts HTTP/1.1"\n'
    output = "haproxy/<address:0123456789ab>/a.log"
    read = parse(InMemoryFile(content, path="haproxy/192.0.2.9/a.log", redacted_path=output), rules=bound)
    assert read.accounts == {"accepted": 1}
    assert (read.files[0]["path"], read.files[0]["proxy"]) == (output, "<address:0123456789ab>")
