"""The client's address, behind trusted proxies and without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metrics_lake.sources.haproxy.formats.addresses import parse_address

Read = Callable[..., list[dict[str, Any]]]
LINE = '{address}:1 [15/Jan/2001:16:10:25.353] fe be/s 0/0/0/0/1 200 2 - - ---- 1/1/0/0/0 0/0 {{h||VLC|{xff}}} "GET / HTTP/1.1"'


@pytest.mark.parametrize(
    ("address", "xff", "client"),
    [
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.9, 10.0.0.2,10.9.9.9", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "-", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "[2001:db8::9]:443, 10.0.0.2", "2001:db8::9"),
        ("::ffff:10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("2001:db8:1::7", "198.51.100.9", "198.51.100.9"),
        ("198.51.100.77", "203.0.113.5", "198.51.100.77"),
        ("-", "203.0.113.5", "-"),
    ],
)
def test_a_listener_behind_our_proxies_is_the_right_most_address_that_is_none_of_them(
    read: Read, address: str, xff: str, client: str
) -> None:
    trusted = ("10.0.0.0/8", "2001:db8:1::/48")
    (parsed,) = read(LINE.format(address=address, xff=xff), trusted_proxies=trusted)
    assert parsed["address"] == client


def test_without_trusted_proxies_nobody_is_believed(read: Read) -> None:
    (parsed,) = read(LINE.format(address="10.0.0.1", xff="198.51.100.9"))
    assert parsed["address"] == "10.0.0.1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.9", "198.51.100.9"), (' "198.51.100.9:80"', "198.51.100.9"), ("[::1]", "::1"), ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1"), ("::ffff:198.51.100.9", "198.51.100.9"), ("_hidden", None), ("", None),
        ("198.51.100", None), ("300.1.1.1", None), ("[::1", "::1"),
    ],
)  # fmt: skip
def test_addresses_are_read_as_proxies_write_them(text: str, address: str | None) -> None:
    parsed = parse_address(text)
    assert (str(parsed) if parsed else None) == address


@pytest.mark.parametrize("trusted", ["unix", "unix@", "unix@/run/haproxy.sock", "abns@edge"])
def test_a_socket_of_the_machine_may_be_a_trusted_proxy(read: Read, trusted: str) -> None:
    line = LINE.format(address="unix", xff="203.0.113.5, 198.51.100.9")
    assert read(line, trusted_proxies=[trusted])[0]["address"] == "198.51.100.9"
    assert read(line, trusted_proxies=["10.0.0.0/8"])[0]["address"] == "unix"
