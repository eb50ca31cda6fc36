"""Keys: vectors against RFC 5869 by hand, and an epoch that is destroyed while all others stay."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import stat
from datetime import datetime, timezone

import pytest

from metrics_lake.privacy import hashing, salts

NOW = datetime(2001, 3, 15, 12, tzinfo=timezone.utc)
SECRET = bytes(range(40))


def hkdf_by_hand(secret: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    """RFC 5869, section 2, written out."""
    prk = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    block, made = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.new(prk, block + info + bytes([number]), hashlib.sha256).digest()
        made += block
    return made[:length]


def test_the_hand_written_hkdf_gives_the_first_vector_of_rfc_5869():
    made = hkdf_by_hand(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    assert made.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


@pytest.mark.parametrize("epoch", ["", "2001", "2001-03", "2001-03-15"])
@pytest.mark.parametrize("salt", [None, b"\x01" * 32])
def test_a_key_is_hkdf_of_secret_salt_tenant_and_epoch(epoch, salt):
    info = f"metrics_lake/listener/acme/{epoch}".encode()
    assert hashing.derive_key(SECRET, "acme", epoch, salt) == hkdf_by_hand(SECRET, salt, info, 32)


def test_a_listener_id_is_the_first_half_of_pythons_own_hmac():
    key = hkdf_by_hand(SECRET, None, b"metrics_lake/listener/acme/", 32)
    expected = hmac.new(key, b"192.0.2.7\nVLC/3.0", hashlib.sha256).hexdigest()[:32]
    assert hashing.Hasher(SECRET).listener("acme", "", "192.0.2.7", "VLC/3.0") == expected


def test_a_hasher_takes_the_salt_of_each_epoch(file):
    known_salts = salts.read(file)
    key = hkdf_by_hand(SECRET, known_salts.salt("acme", "2001-03"), b"metrics_lake/listener/acme/2001-03", 32)
    expected = hmac.new(key, b"192.0.2.7\n", hashlib.sha256).hexdigest()[:32]
    assert hashing.Hasher(SECRET, known_salts).listener("acme", "2001-03", "192.0.2.7", "") == expected


@pytest.fixture
def file(tmp_path):
    salts.prepare(tmp_path / "keys", ["acme", "other"])
    return tmp_path / "keys"


def erase(file, tenant="acme", epoch="2001-02", rotation="monthly"):
    return salts.erase(file, tenant, epoch, rotation=rotation, at=NOW)


MONTHS = [f"{year}-{month:02}" for year in (1999, 2000, 2001, 2026) for month in range(1, 13)]


def test_every_epoch_of_every_tenant_has_a_salt_of_its_own(file):
    known_salts = salts.read(file)
    epochs = [*MONTHS, "1999", "2001", "2001-02-28", "2001-03-01"]
    made = [known_salts.salt(tenant, epoch) for tenant in ("acme", "other") for epoch in epochs]
    assert len(set(made)) == 2 * len(epochs) and all(len(salt) == 32 for salt in made)


def test_keys_that_never_change_have_no_salt(file):
    assert salts.read(file).salt("acme", "") is None


def test_preparing_again_changes_nothing(file):
    before = file.read_bytes()
    salts.prepare(file, ["acme"])
    assert file.read_bytes() == before


def test_a_new_tenant_gets_keys_and_the_old_ones_stay(file):
    before = salts.read(file).salt("acme", "2001-02")
    salts.prepare(file, ["acme", "new"])
    assert salts.read(file).salt("acme", "2001-02") == before
    assert salts.read(file).salt("new", "2001-02")


def test_a_destroyed_epoch_is_gone_and_every_other_is_as_before(file):
    before = salts.read(file)
    erase(file)
    after = salts.read(file)
    assert [after.salt("acme", month) for month in MONTHS if month != "2001-02"] == [
        before.salt("acme", month) for month in MONTHS if month != "2001-02"
    ]
    assert [after.salt("other", month) for month in MONTHS] == [before.salt("other", month) for month in MONTHS]
    assert after.is_destroyed("acme", "2001-02") and not after.is_destroyed("acme", "2001-03")
    with pytest.raises(salts.KeyDestroyed):
        after.salt("acme", "2001-02")


def test_no_node_that_is_kept_leads_to_a_destroyed_salt(file):
    salt = salts.read(file).salt("acme", "2001-02")
    erase(file)
    seen = list(salts.read(file).nodes["acme"].values())
    for _ in range(2):
        seen += [hmac.digest(node, step, "sha256") for node in seen for step in (b"0", b"1")]
    assert salt not in seen and salt.hex() not in file.read_text()


def test_a_destroyed_epoch_can_never_be_made_again(file):
    erase(file)
    salts.prepare(file, ["acme", "other"])
    assert salts.read(file).is_destroyed("acme", "2001-02")
    assert list(salts.read(file).destroyed) == ["acme/2001-02"]
    assert not erase(file).was_there


def test_many_epochs_can_be_destroyed_one_by_one(file):
    before = salts.read(file)
    for month in MONTHS[:24]:
        erase(file, epoch=month)
    after = salts.read(file)
    assert all(after.is_destroyed("acme", month) for month in MONTHS[:24])
    assert [after.salt("acme", month) for month in MONTHS[24:]] == [before.salt("acme", month) for month in MONTHS[24:]]


def test_a_tenant_can_be_erased_whole_and_gets_no_new_keys(file):
    erase(file, epoch="*")
    salts.prepare(file, ["acme"])
    assert all(salts.read(file).is_destroyed("acme", month) for month in MONTHS)


def test_the_old_file_s_bytes_are_overwritten(file):
    with file.open("rb") as old:
        before = old.read()
        erase(file)
        old.seek(0)
        assert old.read() != before


def test_the_file_is_for_its_owner_alone(file):
    erase(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_salts_show_nothing_and_stay_in_their_process(file):
    known_salts = salts.read(file)
    assert known_salts.nodes["acme"][""].hex() not in repr(known_salts) and repr(
        known_salts.nodes["acme"][""]
    ) not in repr(known_salts)
    with pytest.raises(TypeError):
        pickle.dumps(known_salts)


def test_an_erasure_says_what_can_no_longer_be_linked(file):
    past, running = erase(file), erase(file, epoch="2001-03")
    assert "2001-02 is destroyed" in past.text and "backups" in past.text
    assert past.is_over and not running.is_over and "not over" in running.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epoch": "2001"}, "write it as 2026-11"),
        ({"epoch": "2001-13"}, "no epoch"),
        ({"epoch": "2001-02-30", "rotation": "daily"}, "no epoch"),
        ({"tenant": "nobody"}, "known: acme, other"),
        ({"rotation": "never"}, "replace the secret"),
    ],
)
def test_what_cannot_be_erased_is_said(file, wrong, said):
    before = file.read_bytes()
    with pytest.raises(salts.KeysError, match=said):
        erase(file, **wrong)
    assert file.read_bytes() == before


def test_a_damaged_file_is_never_taken_for_an_empty_one(file):
    file.write_text("{")
    with pytest.raises(salts.KeysError, match="restore"):
        salts.prepare(file, ["acme"])


def test_a_worker_that_finds_no_keys_says_how_they_are_made(tmp_path):
    with pytest.raises(salts.KeysError, match="ingest"):
        salts.read(tmp_path / "none").salt("acme", "2001-02")
