"""`formats check` reads as an ingest would: under the settings' samples, captures, proxies and zone."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest

from tests.unit.sources.haproxy.logs import line, text

STAMP = "[15/Jan/2001:12:00:00.000]"
CAPTURED = (
    f'10.0.0.5:4711 {STAMP} fe be/s1 0/0/1/5/40 200 1000 - - ---- 9/8/7/6/0 0/0 {{one|two}} "GET /a.ts HTTP/1.1"\n'
)
OWN = f'10.0.0.5 {STAMP} fe 200 10 5 "GET /a.ts HTTP/1.1" "VLC/3" "2001:db8::7"\n'
STRING = "%ci [%tr] %ft %ST %B %Ta %{+Q}r %{+Q}[var(txn.p7)] %{+Q}[var(txn.p8)]"


@pytest.mark.parametrize(
    ("line", "format_", "haproxy", "shown"),
    [
        (CAPTURED, "httplog", "captures: {fe: [other, user_agent]}", "user_agent=two"),
        (CAPTURED, "httplog", "timezone: Africa/Johannesburg", "at=2001-01-15T10:00:00.000"),
        (OWN, STRING, "samples: {var(txn.p7): user_agent}", "user_agent=VLC/3"),
        (
            OWN, STRING, "{samples: {var(txn.p8): x_forwarded_for}, trusted_proxies: [10.0.0.0/8]}", "address=IPv6",
        ),
    ],
)  # fmt: skip
def test_a_format_is_checked_under_the_settings(world, line, format_, haproxy, shown):
    (world.folder / "a.log").write_text(line)
    said = ("formats", "check", "a.log", "--format", format_)
    bare = world.run(*said)
    body = haproxy if haproxy.startswith("{") else f"{{{haproxy}}}"
    (world.folder / "conf" / "base.yaml").write_text(f"haproxy: {body}\n")
    told = world.run(*said)
    flat = " ".join(told.out.split())
    assert told.code == 0 and shown in flat and shown not in " ".join(bare.out.split()), told
    assert line is CAPTURED or "%[var(txn.p" in flat
    assert "10.0.0.5" not in told.out and "2001:db8" not in told.out


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lzma.compress, bz2.compress, lambda data: data.decode().encode("utf-16")]
)
@pytest.mark.parametrize("words", [
    ("formats", "detect"), ("formats", "check", "--format", "httplog"), ("tenants", "check"), ("look",),
], ids=" ".join)  # fmt: skip
def test_every_command_that_looks_at_a_log_reads_it_as_ingest_does_however_it_is_packed(world, words, pack):
    lines = text([line(n * 6, f"/acme/live/{n}.ts") for n in range(9)])
    (world.folder / "plain.log").write_bytes(lines)
    (world.folder / "packed.log").write_bytes(pack(lines))
    plain, packed = (world.run(*words, name) for name in ("plain.log", "packed.log"))
    assert plain.code == packed.code == 0 and plain.out == packed.out


@pytest.mark.parametrize("words", [("formats", "detect"), ("tenants", "check"), ("look",)], ids=" ".join)
def test_a_log_that_ingest_would_set_aside_is_refused_with_its_reason_and_remedy(world, words):
    (world.folder / "cut.log").write_bytes(gzip.compress(text([line(0)]))[:-6])
    ended = world.run(*words, "cut.log")
    assert (
        ended.code == 1 and "cut.log can't be read: gzip_truncated: packed by gzip, and its end is missing" in ended.err
    )
