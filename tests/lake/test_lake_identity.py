"""A lake keeps the secret, the rotation of keys and the identities that its listeners were counted by, or refuses to work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metrics_lake.cli.screens import privacy_search
from metrics_lake.cli.screens.machine_checks import _secret
from metrics_lake.config.settings import SettingsError
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.lake_identity import LakeIdentityError
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.run import run
from metrics_lake.privacy.hashing import check_value
from tests.lake.conftest import lake_settings
from tests.lake.contents import everything
from tests.lake.intake import SmallJobContext
from tests.lake.test_read_again import ALL, RIGHT, Station, Ways
from tests.unit.sources.haproxy.logs import SECRET

OTHER = "7a" * 31 + "c7"
WITH_IDENTITY = RIGHT + "    identity: ip\n"


@pytest.fixture
def station(small_in: Ways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    monkeypatch.delenv("METRICS_LAKE_SECRET")
    station = Station(small_in, tmp_path / "station").put(ALL)
    (station.folder / "secret").write_text(SECRET)
    station.run()
    return station


@pytest.fixture(params=["with its file", "of an earlier version"])
def any_age(station: Station, request: pytest.FixtureRequest) -> Station:
    if request.param != "with its file":
        (station.folder / "lake" / "_checkpoints" / "identity.json").unlink()
    return station


def test_a_lake_has_a_check_value_of_its_secret_and_not_the_secret(station: Station) -> None:
    text = (station.folder / "lake" / "_checkpoints" / "identity.json").read_text()
    assert json.loads(text)["secret"] == check_value(bytes.fromhex(SECRET)) and SECRET[:16] not in text


def test_another_secret_is_refused_and_nothing_changes(any_age: Station) -> None:
    (any_age.folder / "secret").write_text(OTHER)
    with pytest.raises(
        LakeIdentityError, match=r"made under another secret.*put that secret back.*metrics-lake rebuild"
    ):
        any_age.work()
    (any_age.folder / "secret").write_text(SECRET)
    assert any_age.run().files == 0


def test_a_lost_secret_is_made_anew_by_no_command(any_age: Station) -> None:
    settings = any_age.work().settings
    (any_age.folder / "secret").unlink()
    finding = _secret(settings)
    assert (finding.is_right, finding.remedy) == (False, "put it back from a backup")
    with pytest.raises(SettingsError, match="no secret"):
        privacy_search.search(settings, None, [])
    with pytest.raises(LakeIdentityError, match="put it back from a backup"):
        any_age.work()
    assert not (any_age.folder / "secret").exists()


@pytest.mark.parametrize(
    ("tenants", "setting", "said"),
    [
        (WITH_IDENTITY, (), "identity of acme is ip now.*with ip_user_agent"),
        (RIGHT, ("privacy.identity=ip",), "identity of acme is ip now.*with ip_user_agent"),
        (RIGHT, ("privacy.key_rotation=monthly",), "key_rotation is monthly now.*with never"),
    ],
)  # fmt: skip
def test_another_identity_or_rotation_is_refused_with_both_remedies(
    any_age: Station, tenants: str, setting: tuple[str, ...], said: str
) -> None:
    with pytest.raises(LakeIdentityError, match=f"{said}: set it back, or .*metrics-lake rebuild"):
        any_age.work(tenants, *setting, f"privacy.keys_file={any_age.folder}/keys")


def test_the_remedy_makes_the_lake_of_the_new_identity(station: Station, small_in: Ways, tmp_path: Path) -> None:
    (station.folder / "tenants.yaml").write_text(WITH_IDENTITY)
    settings = lake_settings(station.folder, station.folder / "landing", station.folder / "tenants.yaml")
    rebuild(SmallJobContext.create(settings, is_anew=True))
    fresh = Station(small_in, tmp_path / "fresh").put(ALL)
    (fresh.folder / "secret").write_text(SECRET)
    fresh.run(WITH_IDENTITY)
    assert everything(station.work(WITH_IDENTITY).settings, "acme") == everything(
        fresh.work(WITH_IDENTITY).settings, "acme"
    )


def test_a_tenant_without_listeners_may_choose_its_identity(station: Station) -> None:
    silent = RIGHT + "  silent:\n    timezone: UTC\n    streams: {x: {protocol: hls, match: {path: /x}}}\n"
    station.run(silent)
    assert station.run(f"{silent}    identity: ip\n").files == 0


def test_the_first_run_of_an_empty_lake_makes_the_secret_and_doctor_does_not(
    tmp_path: Path, secret: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METRICS_LAKE_SECRET")
    (tmp_path / "landing" / "haproxy").mkdir(parents=True)
    (tmp_path / "tenants.yaml").write_text(RIGHT)
    settings = lake_settings(tmp_path, tmp_path / "landing", tmp_path / "tenants.yaml")
    assert _secret(settings).state == "none yet: the first run makes one" and not (tmp_path / "secret").exists()
    run(SmallJobContext.create(settings))
    assert _secret(settings).is_right and (tmp_path / "secret").exists()


def test_settings_that_are_wrong_make_no_secret(tmp_path: Path, secret: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METRICS_LAKE_SECRET")
    with pytest.raises(SettingsError, match="no tenants file"):
        JobContext.create(lake_settings(tmp_path, tmp_path, tmp_path / "nothing.yaml"))
    assert not (tmp_path / "secret").exists()
