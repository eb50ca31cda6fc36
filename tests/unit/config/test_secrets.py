"""The secret: where it comes from, who makes it, and which ones are refused."""

from __future__ import annotations

import stat

import pytest

from metrics_lake.config.secrets import cosmos_key, read_secret, storage_secret, store_key
from metrics_lake.config.settings import Privacy, Settings, SettingsError

GOOD = "5e" * 31 + "c7"
OTHER = "a1" * 31 + "b2"


def settings_with(file, env: str = "local") -> Settings:
    return Settings(env=env, privacy=Privacy(secret_file=str(file)))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "made" / "secret"


def test_local_makes_a_secret_on_first_use_and_keeps_it(file):
    first = settings_with(file).secret(may_create=True)
    assert len(first) == 32 and settings_with(file).secret(may_create=True) == first
    assert bytes.fromhex(file.read_text()) == first


def test_a_secret_that_local_makes_is_for_its_owner_alone(file):
    settings_with(file).secret(may_create=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_machines_make_two_secrets(tmp_path):
    assert settings_with(tmp_path / "a").secret(may_create=True) != settings_with(tmp_path / "b").secret(
        may_create=True
    )


def test_every_other_environment_refuses_to_start_without_one(file):
    with pytest.raises(SettingsError, match=r"no secret: .*METRICS_LAKE_SECRET.*openssl rand -hex 32"):
        settings_with(file, "azure").secret(may_create=True)
    assert not file.exists()


def test_the_environment_comes_before_its_file_and_that_before_the_setting(file, tmp_path, monkeypatch):
    settings_with(file).secret(may_create=True)
    (tmp_path / "mounted").write_text(f"  {OTHER}\n")
    monkeypatch.setenv("METRICS_LAKE_SECRET_FILE", str(tmp_path / "mounted"))
    assert read_secret(str(file)).hex() == OTHER
    monkeypatch.setenv("METRICS_LAKE_SECRET", GOOD)
    assert read_secret(str(file)).hex() == GOOD


def test_local_makes_no_file_where_the_environment_has_a_secret(file, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", GOOD)
    assert settings_with(file).secret(may_create=True).hex() == GOOD
    assert not file.exists()


WRONG = [
    ("short", "5ec7" * 15, "has 30 bytes, fewer than 32"),
    ("not hex", "correct horse battery staple and some more", "is not hex"),
    ("not even text", "\udcff\udcfe", "is not hex"),
    ("one byte repeated", "5e" * 32, "is one byte repeated"),
    ("an odd digit", GOOD + "0", "is not hex"),
    ("blank", " \n", "has 0 bytes, fewer than 32"),
]


@pytest.mark.parametrize(("kind", "text", "said"), WRONG)
def test_a_wrong_secret_in_a_file_is_refused_and_never_shown(file, kind, text, said):
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as error:
        settings_with(file, "azure").secret(may_create=True)
    assert f"the secret in the file {file} {said}; make one with: openssl rand -hex 32" == str(error.value)


@pytest.mark.parametrize(("kind", "text", "said"), [row for row in WRONG if row[0] != "not even text"])
def test_a_wrong_secret_in_the_environment_is_refused_and_never_shown(file, monkeypatch, kind, text, said):
    monkeypatch.setenv("METRICS_LAKE_SECRET", text)
    with pytest.raises(SettingsError) as error:
        settings_with(file).secret(may_create=True)
    assert "the environment variable METRICS_LAKE_SECRET" in str(error.value) and said in str(error.value)
    assert text.strip() not in str(error.value) or not text.strip()


def test_a_folder_in_the_place_of_the_secret_is_no_secret(tmp_path):
    with pytest.raises(SettingsError, match="no secret"):
        read_secret(str(tmp_path))


def test_settings_hold_no_secret(file, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", GOOD)
    loaded = settings_with(file)
    loaded.secret()
    assert GOOD not in loaded.model_dump_json() and GOOD not in repr(loaded)


def test_a_store_s_key_comes_from_the_environment_else_a_file_it_names_else_that_of_the_settings(tmp_path, monkeypatch):
    for name in ("of_settings", "of_environment"):
        (tmp_path / name).write_text(name)
    own = str(tmp_path / "of_settings")
    assert store_key("APP_STORE", own) == "of_settings"
    monkeypatch.setenv("METRICS_LAKE_APP_STORE_KEY_FILE", str(tmp_path / "of_environment"))
    assert store_key("APP_STORE", own) == "of_environment" and store_key("GOOGLE_PLAY", own) == "of_settings"
    monkeypatch.setenv("METRICS_LAKE_APP_STORE_KEY", "itself")
    assert store_key("APP_STORE", own) == "itself"


def test_a_store_s_key_that_is_nowhere_is_named_with_its_place(tmp_path):
    with pytest.raises(
        SettingsError, match=r"no key: the file .*none is not there; .*METRICS_LAKE_GOOGLE_PLAY_KEY_FILE"
    ):
        store_key("GOOGLE_PLAY", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"no key: the settings name no key_file"):
        store_key("GOOGLE_PLAY", "")


# --- the key of Cosmos DB --------------------------------------------------------------------------------------------

COSMOS_KEY = "a2V5IG9mIGEgdGVzdCwgYW5kIG5vdGhpbmcgZWxzZSBhdCBhbGw="


def test_without_a_key_the_managed_identity_is_meant():
    assert cosmos_key() is None


def test_a_key_is_taken_from_the_environment_or_from_the_file_it_names(tmp_path, monkeypatch):
    (tmp_path / "mounted").write_text(f"{COSMOS_KEY}\n")
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY_FILE", str(tmp_path / "mounted"))
    assert cosmos_key() == COSMOS_KEY
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", f" {COSMOS_KEY[4:]} ")
    assert cosmos_key() == COSMOS_KEY[4:]


@pytest.mark.parametrize("text", ["not base64!", "c2hvcnQ=", f"AccountKey={COSMOS_KEY};", "ä" * 40])
def test_what_is_no_key_is_refused_and_never_shown(monkeypatch, text):
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", text)
    with pytest.raises(SettingsError, match=r"the key in METRICS_LAKE_COSMOS_KEY, .* is none of Cosmos DB") as error:
        cosmos_key()
    assert text not in str(error.value)


def test_a_key_s_file_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY_FILE", "nowhere")
    with pytest.raises(SettingsError, match=r"the file nowhere is not there; .*METRICS_LAKE_COSMOS_KEY_FILE"):
        cosmos_key()


# --- what opens Azure's storage --------------------------------------------------------------------------------------

STORAGE_KEY = "a2V5IG9mIGEgdGVzdCwgYW5kIG5vdGhpbmcgZWxzZSBhdCBhbGw="
SAS = "sv=2021-12-02&sp=rcwd&sig=hidden"


def test_without_anything_the_identity_of_the_machine_is_meant():
    assert storage_secret() == ("identity", "")


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("KEY", f"{STORAGE_KEY}\n", ("key", STORAGE_KEY)),
        ("SAS", f"?{SAS}\n", ("sas", SAS)),
    ],
)
def test_a_storage_secret_is_taken_from_the_environment_or_the_file_it_names(tmp_path, monkeypatch, name, text, found):
    (tmp_path / "mounted").write_text(text)
    monkeypatch.setenv(f"METRICS_LAKE_STORAGE_{name}_FILE", str(tmp_path / "mounted"))
    assert storage_secret() == found
    monkeypatch.delenv(f"METRICS_LAKE_STORAGE_{name}_FILE")
    monkeypatch.setenv(f"METRICS_LAKE_STORAGE_{name}", text)
    assert storage_secret() == found


@pytest.mark.parametrize(
    ("name", "text"),
    [("KEY", "short"), ("KEY", f"AccountKey={STORAGE_KEY};"), ("SAS", "sv=hidden"),
     ("SAS", f"https://acme.blob.example/c?{SAS}")],
)  # fmt: skip
def test_what_opens_no_storage_is_refused_and_never_shown(monkeypatch, name, text):
    monkeypatch.setenv(f"METRICS_LAKE_STORAGE_{name}", text)
    with pytest.raises(SettingsError, match=f"METRICS_LAKE_STORAGE_{name}, or the file that") as error:
        storage_secret()
    assert text not in str(error.value)
