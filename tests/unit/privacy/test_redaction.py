"""Names of files, folders and machines are kept with a keyed mark in place of an address, and known again by it."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.config.settings import SettingsError
from metrics_lake.privacy.redaction import Names, decrypted, encrypted, holds_address, without_addresses
from tests.unit.examples import examples
from tests.unit.sources.haproxy.logs import SECRET, rules_of
from tests.unit.sources.haproxy.test_masking import FORMS_4, FORMS_6, V4, V6, spellings

NAMES = Names(bytes.fromhex(SECRET))
IN_TEXT = ("dotted", "dashed", "underscored", "reverse DNS")
PLACES = (
    "{x}", "haproxy/{x}/haproxy-17-00.log.gz", "haproxy/edge-{x}.log", "fe_{x}", "{x}:443", "{x}-20010115.log", "2001-01-15-{x}.log",
    "2001-01-15/{x}", "{x}.1.gz", "{x}_{x}", "haproxy-{x}-2001-01-15-17-00.log", "edge({x})", "[{x}]",
)  # fmt: skip
DATED = (
    "haproxy/edge-01/2001/01/15/haproxy-17-00.log.gz", "haproxy.log-20010115-17.gz", "haproxy.log-2001011517.gz",
    "edge-2001-01-15-17-00.log", "fe-2001-01-15_17-00-00.log", "haproxy-2001-01-15-1.log", "2001-01-15T17:00:05Z.log",
    "cafe-2001.01.15.log", "messages.1", "log20010115.gz", "captured-5424-16-44.log.gz", "fe_hls~", "haproxy-2.6.12.log",
    "edge-01-20010115.log", "edge-01-20010115-17.log.gz", "app_store/S_D_85000001_20010115.txt",
    "app_store/2001-01-15/S_D_85000001_20010115.20010116T101010Z.txt",
)  # fmt: skip


@settings(max_examples=examples(120))
@given(V4, st.sampled_from(sorted(FORMS_4)), st.sampled_from(PLACES))
def test_no_ipv4_address_in_a_name_is_shown(address, form, place):
    left = NAMES.redact_path(place.format(x=FORMS_4[form](address))).lower()
    assert not [spelling for spelling in spellings(address) if spelling in left]


@settings(max_examples=examples(100))
@given(V6, st.sampled_from(sorted(FORMS_6)), st.sampled_from(PLACES))
def test_no_ipv6_address_in_a_name_is_shown(address, form, place):
    left = NAMES.redact_path(place.format(x=FORMS_6[form](address))).lower()
    assert not [spelling for spelling in spellings(address) if spelling in left]


@given(V4, V4, st.sampled_from(IN_TEXT), st.sampled_from(PLACES))
def test_names_that_differ_in_their_address_are_shown_differently_and_the_same_one_alike(one, other, form, place):
    shown = [NAMES.redact_path(place.format(x=FORMS_4[form](address))) for address in (one, other)]
    assert (shown[0] == shown[1]) == (one == other)
    assert shown[0] == Names(bytes.fromhex(SECRET)).redact_path(place.format(x=FORMS_4[form](one)))


@pytest.mark.parametrize("name", DATED)
def test_dates_times_and_versions_stay_in_a_name(name):
    assert NAMES.redact_path(name) == name and not holds_address("VLC")


def test_another_secret_makes_other_marks():
    assert NAMES.redact_path("192.0.2.7") != Names(bytes(range(32))).redact_path("192.0.2.7")


def test_a_name_that_no_file_system_has_is_a_mark_as_a_whole():
    assert NAMES.redact_path("a" * 300).startswith("<address:") and len(NAMES.redact_path("a" * 300)) < 30


def test_what_makes_the_marks_can_t_leave_its_process():
    with pytest.raises(TypeError):
        pickle.dumps(NAMES)
    assert SECRET not in repr(NAMES)


@given(st.one_of(V4.flatmap(lambda a: st.sampled_from([FORMS_4[form](a) for form in IN_TEXT])), V6.map(str)))
def test_a_message_shows_no_address(address):
    assert address not in without_addresses(f"no file /data/{address}.mmdb; name another")


def test_a_number_in_a_report_s_name_that_is_no_vendor_s_is_still_taken_for_an_address():
    assert "3221225991" not in NAMES.redact_path("S_D_3221225991_20010115.txt")
    assert "c0000207" not in NAMES.redact_path("S_D_c0000207_20010115.txt")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:10000/devstoreaccount1/lake", "http://127.0.0.1:10000/devstoreaccount1/lake"),
        ("http://192.0.2.7:80/lake", "http://<address>:80/lake"),
        ("127.0.0.1", "<address>"),
    ],
)
def test_the_url_of_a_server_on_this_machine_stays_in_a_message(url, shown):
    assert without_addresses(url) == shown


def test_a_message_without_an_address_stays():
    said = "tenants.yaml: streams.live.segment_seconds: 12 is more than 10 (at 2001-01-15T17:00:05+00:00)"
    assert without_addresses(said) == said


RULES = rules_of(haproxy={"trusted_proxies": ["192.0.2.7/32"], "formats": {"192.0.2.7": ["httplog"]}})


def test_rules_are_written_sealed_and_read_as_they_were(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    held = encrypted(RULES)
    assert decrypted(held) == RULES and "192.0.2.7" not in repr(held) and encrypted(RULES) != held


def test_rules_that_another_secret_sealed_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    held = encrypted(RULES)
    monkeypatch.setenv("METRICS_LAKE_SECRET", bytes(range(32)).hex())
    with pytest.raises(SettingsError, match="under another secret can't be read: put that secret back"):
        decrypted(held)
