"""What the audit looks for: addresses out of landing files, and every key."""

from __future__ import annotations

import gzip
from datetime import datetime, timezone

import pytest

from metrics_lake.audit import epochs_between, key_terms, landed_addresses, search_terms
from metrics_lake.privacy import hashing, redaction, salts

LINE = (
    "Nov 22 18:48:01 lb1 haproxy[9]: {client} [22/Nov/2001:18:48:01.123] fe_hls~ be/web1 0/0/1/2/3 200 512 - - ---- "
    '1/1/0/0/0 0/0 {{www.acme.example|{referer}|{agent}}} "GET {uri} HTTP/1.1"\n'
)


def line(client="198.51.100.7:40000", referer="-", agent="VLC/3.0.20.1", uri="/live/1.ts"):
    return LINE.format(client=client, referer=referer, agent=agent, uri=uri)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line(), {"198.51.100.7"}),
        (line(client="2001:db8:1:2::9:40000"), {"2001:db8:1:2::9"}),
        (line(client="2001:db8:0:0:1:2:3:4:40000"), {"2001:db8::1:2:3:4"}),
        (line(client="::ffff:198.51.100.7:40000"), {"::ffff:c633:6407", "198.51.100.7"}),
        (line(referer="http://203.0.113.4/"), {"198.51.100.7", "203.0.113.4"}),
        (line(uri="/live/1.ts?ip=203.0.113.4"), {"198.51.100.7", "203.0.113.4"}),
        (line(uri="/live/203.0.113.4/1.ts"), {"198.51.100.7", "203.0.113.4"}),
        (line(uri="/live/1.ts?ip=203%2E0%2e113%2E4"), {"198.51.100.7", "203.0.113.4"}),
        (line(agent="Mozilla/5.0 (x) Chrome/125.0.0.0 Safari/537.36"), {"198.51.100.7"}),
        ("no address, 18:48:01, 1.2.3, 300.1.1.1, 3.0.20.1x", {"3.0.20.1"}),
    ],
)
def test_every_address_of_a_line_is_taken_and_no_version(tmp_path, text, expected):
    (tmp_path / "a.log").write_text(text)
    assert landed_addresses.addresses(tmp_path) == expected


def test_packed_files_and_file_names_are_read_and_damage_stops_nothing(tmp_path):
    folder = tmp_path / "lb1" / "2001"
    folder.mkdir(parents=True)
    (folder / "hour-203.0.113.80.log").write_text("")
    (folder / "a.log.gz").write_bytes(gzip.compress(line().encode()))
    cut = gzip.compress(b"".join(line(client=f"192.0.2.{n}:1").encode() for n in range(200)))
    (folder / "cut.log.gz").write_bytes(cut[: len(cut) - 20])
    found = landed_addresses.addresses(tmp_path)
    assert {"203.0.113.80", "198.51.100.7", "192.0.2.1"} <= found


def test_a_list_of_addresses_may_have_comments():
    assert landed_addresses.read_list(["198.51.100.7\n", "\n", "# none\n", " 2001:db8::1 # home\n"]) == [
        "198.51.100.7",
        "2001:db8::1",
    ]


def test_what_every_machine_says_of_itself_is_not_looked_for():
    assert search_terms(["127.0.0.1", "::1", "0.0.0.0", "127.0.2.1"]).v4 == {0x7F000201}
    assert search_terms(["10.1.2.3", "198.51.100.7"], ignored=["10.0.0.0/8"]).v4 == {0xC6336407}


def test_what_no_client_has_for_an_address_is_not_looked_for():
    assert not search_terms(["d::", "::3", "f::", "1::2"]).v6
    assert len(search_terms(["2001:db8::1", "fd00::5", "fe80::1"]).v6) == 3


def test_what_is_no_address_is_refused():
    with pytest.raises(ValueError, match="somewhere"):
        search_terms(["somewhere"])


def test_search_terms_show_no_address_and_no_key():
    assert repr(search_terms(["198.51.100.7"], {"k": b"12345678"})) == "SearchTerms(1 addresses, 1 keys)"


def test_every_key_of_every_tenant_and_epoch_is_looked_for(tmp_path):
    secret = bytes(range(32))
    salts.prepare(tmp_path / "keys", ["acme", "other"])
    known_salts = salts.read(tmp_path / "keys")
    keys = key_terms(secret, ["acme", "other"], ["2001-01", "2001-02"], known_salts)
    assert secret in keys.values() and known_salts.salt("other", "2001-02") in keys.values()
    assert hashing.derive_key(secret, "acme", "2001-01", known_salts.salt("acme", "2001-01")) in keys.values()
    assert redaction.name_key(secret) in keys.values() and redaction.rules_key(secret) in keys.values()
    assert len(keys) == 4 + 2 + 2 * 2 * 2  # of the secret alone, two roots, a salt and a key for each tenant and epoch


def test_keys_that_never_change_are_looked_for_too():
    secret = bytes(range(32))
    assert hashing.derive_key(secret, "acme", "") in key_terms(secret, ["acme"], [""]).values()


def test_epochs_between_two_instants_are_named_once_each():
    first, last = datetime(2000, 12, 31, 23, tzinfo=timezone.utc), datetime(2001, 2, 1, 1, tzinfo=timezone.utc)
    assert epochs_between(first, last, "monthly") == ["2000-12", "2001-01", "2001-02"]
    assert epochs_between(first, last, "never") == [""]
    assert len(epochs_between(first, last, "daily")) == 33
