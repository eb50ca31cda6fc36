"""`formats check` reads as an ingest would: under the settings' samples, captures, proxies and zone."""

from __future__ import annotations

import pytest

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
