"""Hashes against Python's own hmac and an HKDF written out; one spelling for each client; keys that stay where they are."""

from __future__ import annotations

import copy
import hashlib
import hmac
import ipaddress
import pickle
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.privacy import hashing
from metrics_lake.privacy.salts import Salts
from tests.unit.drawing import utc

SECRET = bytes(range(7, 47))


def key_by_hand(info: str, length: int = 32) -> bytes:
    """RFC 5869 with no salt and one block."""
    prk = hmac.new(bytes(32), SECRET, hashlib.sha256).digest()
    return hmac.new(prk, info.encode() + b"\x01", hashlib.sha256).digest()[:length]


def id_by_hand(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize(("tenant", "epoch"), [("acme", ""), ("acme", "2001"), ("other", ""), ("acme", "2001-01-15")])
def test_a_listener_s_hash_is_hmac_under_a_key_of_tenant_and_epoch(tenant, epoch):
    key = key_by_hand(f"metrics_lake/listener/{tenant}/{epoch}")
    assert hashing.derive_key(SECRET, tenant, epoch) == key
    assert hashing.listener_id(key, "192.0.2.7", "VLC/3.0") == id_by_hand(key, "192.0.2.7\nVLC/3.0")


def test_a_hasher_takes_the_canonical_address_the_agent_and_the_tenant_s_key():
    key, hasher = key_by_hand("metrics_lake/listener/acme/"), hashing.Hasher(SECRET)
    assert hasher.listener("acme", "", "::ffff:192.0.2.7", "é") == id_by_hand(key, "192.0.2.7\né")
    assert hasher.listener("acme", "", "2001:db8::1", "") == id_by_hand(key, "2001:db8::\n")


def test_a_lasting_id_is_hashed_as_no_address_ever_is():
    hasher = hashing.Hasher(SECRET)
    assert hasher.lasting("acme", "", "p1") == id_by_hand(key_by_hand("metrics_lake/listener/acme/"), "playback\np1")


def test_listeners_differ_between_tenants_epochs_addresses_agents_and_secrets():
    salts = Salts({"acme": {"": SECRET}, "other": {"": SECRET}})
    hasher, other = hashing.Hasher(SECRET, salts), hashing.Hasher(SECRET[::-1], salts)
    seen = [
        hasher.listener("acme", "2001", "192.0.2.7", "a"), hasher.listener("other", "2001", "192.0.2.7", "a"),
        hasher.listener("acme", "2002", "192.0.2.7", "a"), hasher.listener("acme", "2001", "192.0.2.8", "a"),
        hasher.listener("acme", "2001", "192.0.2.7", "b"), other.listener("acme", "2001", "192.0.2.7", "a"),
    ]  # fmt: skip
    assert len(set(seen)) == 6 and all(len(bytes.fromhex(each)) == hashing.ID_BYTES for each in seen)


def test_lines_are_fingerprinted_under_a_seed_that_only_the_secret_gives():
    seed = int.from_bytes(key_by_hand("metrics_lake/line", 8), "big")
    assert hashing.line_seed(SECRET) == hashing.Hasher(SECRET).line_seed == seed < 1 << 64


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:0207", "192.0.2.7"),
        ("0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:0DB8:0001:0002:0003:0004:0005:0006", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("192.0.2.256", None),
        ("192.0.2.07", None),
        ("192.0.2", None),
        ("3221225991", None),
        ("unix:1", None),
        ("-", None),
        ("", None),
    ],
)
def test_each_client_has_one_spelling(written, canonical):
    assert hashing.canonical(written) == canonical


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_one_client_however_it_is_mapped(address):
    mapped = ipaddress.IPv6Address((0xFFFF << 32) + int(address))
    assert hashing.canonical(str(address)) == hashing.canonical(str(mapped)) == hashing.canonical(mapped.exploded)


@given(st.integers(1 << 64, (1 << 64) - 1 << 64), st.integers(0, (1 << 64) - 1))
def test_all_addresses_of_a_64_network_are_one_client(address, host):
    network = address >> 64 << 64
    assert hashing.canonical(str(ipaddress.IPv6Address(network + host))) == str(ipaddress.IPv6Address(network))


@given(st.one_of(st.ip_addresses().map(str), st.text(max_size=20)))
def test_a_canonical_address_is_its_own_canonical_form(text):
    found = hashing.canonical(text)
    assert found is None or hashing.canonical(found) == found


@pytest.mark.parametrize(
    ("rotation", "name"), [("never", ""), ("yearly", "2000"), ("monthly", "2000-12"), ("daily", "2000-12-31")]
)
def test_an_epoch_is_named_by_its_time_in_utc(rotation, name):
    berlin = datetime(2001, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert hashing.epoch_of(berlin, rotation) == hashing.epoch_of(utc("2000-12-31 23:30"), rotation) == name


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_hasher_can_not_leave_its_process(way):
    with pytest.raises(TypeError, match="stays in its process"):
        way(hashing.Hasher(SECRET))


def test_a_hasher_shows_no_key_when_it_is_printed():
    hasher = hashing.Hasher(SECRET)
    hasher.listener("acme", "", "192.0.2.7", "a")
    shown = f"{hasher} {hasher!r} {[hasher]}"
    assert SECRET.hex() not in shown and repr(SECRET)[2:20] not in shown
