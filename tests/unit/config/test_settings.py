"""Settings: what wins over what, and what a wrong one is answered with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from metrics_lake.config import settings
from metrics_lake.config.settings import Settings, SettingsError, load
from metrics_lake.config.tenants import Tenant, Tenants

ACME = Tenant(name="Acme", timezone="Africa/Johannesburg")


@pytest.fixture
def conf(tmp_path):
    """Writes a settings folder: conf(base='…', other='…')."""

    def write(**files: str) -> str:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return str(tmp_path)

    return write


def test_an_empty_folder_gives_the_defaults(conf):
    assert load(conf()) == load(conf(base="{}")) and load(conf()).sessions == Settings().sessions


def test_what_is_laid_later_wins_and_leaves_the_rest_alone(conf):
    folder = conf(
        base="sessions: {gap_seconds: 50, minimum_seconds: 1}\ndocuments: {database: base}",
        testing="sessions: {gap_seconds: 40}",
    )
    assert load(folder, "local").sessions.gap_seconds == 50
    laid = load(folder, "testing")
    assert (laid.env, laid.sessions.gap_seconds, laid.sessions.minimum_seconds) == ("testing", 40, 1)
    told = load(folder, "testing", ["sessions.gap_seconds=30", "sessions.minimum_seconds=2"])
    assert (told.sessions.gap_seconds, told.sessions.minimum_seconds, told.documents.database) == (30, 2, "base")


def test_the_last_of_two_overrides_of_one_key_wins(conf):
    assert load(conf(), None, ["documents.database=a", "documents.database=b"]).documents.database == "b"


def test_an_override_may_be_a_list_or_a_mapping(conf):
    told = load(conf(), None, ["haproxy.trusted_proxies=[10.0.0.0/8]", "haproxy.captures={fe: [host, other]}"])
    assert told.haproxy.trusted_proxies == ("10.0.0.0/8",)
    assert told.haproxy.captures == {"fe": ("host", "other")}


def test_the_environment_picks_folder_and_name_unless_options_do(conf, monkeypatch):
    folder = conf(base="", testing="sessions: {gap_seconds: 40}", other="sessions: {gap_seconds: 20}")
    monkeypatch.setenv("METRICS_LAKE_CONF", folder)
    monkeypatch.setenv("METRICS_LAKE_ENV", "testing")
    assert load().sessions.gap_seconds == 40
    assert load(env="other").sessions.gap_seconds == 20


def test_settings_can_not_be_changed_once_loaded(conf):
    with pytest.raises(ValidationError):
        load(conf()).storage.lake = "elsewhere"


@pytest.mark.parametrize(
    ("text", "place", "nearest"),
    [
        ("sesions: {}", "sesions", "sessions"),
        ("sessions: {gap_second: 3}", "sessions.gap_second", "gap_seconds"),
        ("storage: {landings: x}", "storage.landings", "landing"),
        ("privacy: {minimum_groop: 3}", "privacy.minimum_groop", "minimum_group"),
        ("haproxy: {trusted: []}", "haproxy.trusted", "trusted_proxies"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_known_one(conf, text, place, nearest):
    with pytest.raises(SettingsError) as error:
        load(conf(base=text))
    assert str(error.value) == f"{conf()}/base.yaml: unknown key {place!r}; the nearest known one is {nearest!r}"


def test_an_unknown_key_of_an_override_is_answered_likewise(conf):
    with pytest.raises(SettingsError, match=r"^--set: unknown key 'storage.leak'; the nearest known one is 'lake'$"):
        load(conf(), None, ["storage.leak=x"])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("sessions: {gap_seconds: -1}", "sessions.gap_seconds: "),
        ("sessions: {gap_seconds: soon}", "sessions.gap_seconds: "),
        ("sessions: {length_edges_minutes: [0, 2, 1]}", "sessions.length_edges_minutes: edges are whole minutes"),
        ("sessions: {length_edges_minutes: [1, 2]}", "sessions.length_edges_minutes: edges are whole minutes"),
        ("haproxy: {timezone: Mars/Phobos}", "haproxy.timezone: no such time zone: 'Mars/Phobos'"),
        ("haproxy: {trusted_proxies: [10.0.0.1/8]}", "haproxy.trusted_proxies.0: no network"),
        ("haproxy: {captures: {fe: [hoast]}}", "haproxy.captures.fe.0: "),
        ("privacy: {key_rotation: hourly}", "privacy.key_rotation: "),
        ("documents: {store: mongo}", "documents.store: "),
        ("documents: {endpoint: metrics}", "documents.endpoint: no endpoint; write it as https://ACCOUNT."),
        ("documents: {endpoint: 'http://a.example'}", "documents.endpoint: no endpoint; write it as https://ACCOUNT."),
        (
            "documents: {endpoint: 'AccountEndpoint=https://a.example/;AccountKey=x'}",
            "documents.endpoint: no endpoint; write",
        ),
        ("storage: 3", "storage: "),
    ],
)
def test_a_wrong_value_is_answered_with_file_and_place(conf, text, place):
    with pytest.raises(SettingsError) as error:
        load(conf(base=text))
    assert str(error.value).startswith(f"{conf()}/base.yaml: {place}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"storage: [a", "line 1: not YAML"),
        (b"storage:\n\tlake: x", "line 2: not YAML"),
        (b"storage: {}\nstorage: {}", "line 2: 'storage' stands twice; rename one"),
        (b"- a\n- b", "expected keys and values, found list"),
        (b"storage: \x00", "not YAML"),
        (b"storage: 2001-99-99", "not YAML: month must be in 1..12"),
        (b"? [a]\n: b", "not YAML"),
        (b"storage: \xff", "can't be read"),
    ],
)
def test_a_file_that_is_no_yaml_is_named_with_the_line(tmp_path, content, said):
    (tmp_path / "base.yaml").write_bytes(content)
    with pytest.raises(SettingsError) as error:
        load(str(tmp_path))
    assert str(error.value).startswith(f"{tmp_path}/base.yaml") and said in str(error.value)
    assert "\n" not in str(error.value)


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))))
def test_whatever_a_file_holds_it_is_settings_or_an_error_that_names_it(text):
    with TemporaryDirectory() as folder:
        Path(folder, "base.yaml").write_text(text, encoding="utf-8", newline="")
        try:
            assert isinstance(load(folder), Settings)
        except SettingsError as error:
            assert "base.yaml" in str(error)


def test_an_unknown_environment_is_answered_with_the_known_ones(conf):
    with pytest.raises(SettingsError, match=r"no environment 'prod': .*prod.yaml is not there \(known: azure, local\)"):
        load(conf(base="", local="", azure="", tenants=""), "prod")


def test_a_missing_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(SettingsError, match=r"no settings folder .*none; name one with --conf"):
        load(str(tmp_path / "none"))


@pytest.mark.parametrize("text", ["sessions.gap_seconds", "=3", ""])
def test_an_override_without_key_and_value_shows_how_to_write_one(conf, text):
    with pytest.raises(SettingsError, match=r"write KEY=VALUE, .* --set sessions.gap_seconds=30"):
        load(conf(), None, [text])


@pytest.mark.parametrize("text", ["storage.lake=[", "storage.lake={a", "storage.lake=2001-99-99"])
def test_an_override_whose_value_is_no_yaml_is_told_so(conf, text):
    with pytest.raises(SettingsError, match="the value is not YAML"):
        load(conf(), None, [text])


def contract_of(loaded: Settings, tenant: Tenant = ACME, bot_rules: str = "2001-01") -> dict:
    return settings.contract(loaded, tenant, bot_rules)


def test_the_contract_says_what_the_numbers_mean_and_ends_in_a_hash_of_it():
    block = contract_of(Settings())
    terms = {name: value for name, value in block.items() if name != "hash"}
    assert terms == {
        "version": 1, "session_gap_seconds": 60, "minimum_session_seconds": 0, "identity": "ip_user_agent",
        "key_rotation": "never", "timezone": "Africa/Johannesburg", "bot_rules": "2001-01",
    }  # fmt: skip
    assert block["hash"] == hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()[:12]


def test_a_default_has_the_contract_of_the_same_value_in_a_file(conf):
    stated = load(conf(base="sessions: {gap_seconds: 60, minimum_seconds: 0}"))
    assert contract_of(stated)["hash"] == contract_of(Settings())["hash"]


@pytest.mark.parametrize(
    "override",
    ["sessions.gap_seconds=30", "sessions.minimum_seconds=60", "privacy.identity=ip", "privacy.key_rotation=daily"],
)
def test_another_meaning_gives_another_contract(conf, override):
    assert contract_of(load(conf(), None, [override]))["hash"] != contract_of(Settings())["hash"]


def test_other_bot_rules_give_another_contract():
    assert contract_of(Settings(), bot_rules="2001-02")["hash"] != contract_of(Settings())["hash"]


def test_a_tenant_s_own_identity_stands_in_its_contract():
    own = Tenant(name="Acme", timezone="UTC", identity="ip")
    assert contract_of(Settings(), own)["identity"] == "ip"


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert settings.digest({"a": 1, "b": 2}) == settings.digest({"b": 2, "a": 1}) != settings.digest({"a": 2, "b": 1})


def test_the_rules_of_a_batch_come_back_from_plain_json_as_they_were():
    acme = Tenants.model_validate(
        {
            "tenants": {
                "acme": {
                    "name": "A",
                    "timezone": "UTC",
                    "streams": {"fm": {"protocol": "icecast", "match": {"path": "/x"}}},
                }
            }
        }
    )
    made = settings.rules(Settings(), acme)
    assert settings.Rules.model_validate(json.loads(made.model_dump_json())) == made
