"""Erasure requests: a person gets the same ids as their log lines, and no message shows their address or agent."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.privacy.salt_tree import KeysError
from metrics_lake.sources.haproxy.erasure_request import ErasureRequest, ErasureRequestError, listener_ids, read
from tests.unit.sources.haproxy.logs import SECRET, TENANTS, line, parse, rules_of, text

DAYS = [date(2001, 1, 15), date(2001, 1, 16)]
HASHER = Hasher(bytes.fromhex(SECRET))


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def requests(*lines: str) -> list[ErasureRequest]:
    return read(lines, is_hashed=False)


@pytest.mark.parametrize(("request_line", "address", "agent"), [
    ("192.0.2.7 VLC/3.0.20", "192.0.2.7", "VLC/3.0.20"),
    ("192.0.2.7\tA player#20with blanks", "192.0.2.7", "A player with blanks"),
    ("[::ffff:192.0.2.7] VLC/3.0.20", "192.0.2.7", "VLC/3.0.20"),
    ("2001:db8:0:1::99 VLC/3.0.20", "2001:db8:0:1::7", "VLC/3.0.20"),
    ("192.0.2.7 -", "192.0.2.7", "-"),
    ("192.0.2.7", "192.0.2.7", ""),
])  # fmt: skip
def test_who_asks_has_the_id_that_their_lines_were_given(request_line: str, address: str, agent: str) -> None:
    [visit] = parse(text([line(address=address, agent=agent)])).visits
    ids = listener_ids(requests(request_line), "acme", DAYS, HASHER, identity="ip_user_agent", rotation="never")
    assert ids.current == {visit["listener_id"]} and not ids.destroyed


def test_a_tenant_that_tells_listeners_by_address_alone_needs_no_agent() -> None:
    [visit] = parse(text([line(agent="VLC/3.0.20")]), rules=rules_of(privacy={"identity": "ip"})).visits
    ids = listener_ids(requests("192.0.2.7 another player"), "acme", DAYS, HASHER, identity="ip", rotation="never")
    assert visit["listener_id"] in ids.current


@pytest.mark.parametrize(
    ("request_line", "captures"),
    [("192.0.2.7 -", "{%s|}"), ("playback 4f2a-77", "{%s|4f2a-77}")],
    ids=["address", "playback"],
)
@pytest.mark.parametrize("agent", ["VLC/3.0.20", "SearchBot/2.1", "UptimeRobot/2.0"])
def test_bots_behind_the_address_of_who_asks_are_found_with_them(request_line: str, captures: str, agent: str) -> None:
    rules = rules_of(haproxy={"captures": {"fe": ["user_agent", "lasting_id"]}}, privacy={"identity": "ip"})
    [visit] = parse(text([line(captures=captures % agent)]), rules=rules).visits
    assert (
        visit["listener_id"]
        in listener_ids(requests(request_line), "acme", DAYS, HASHER, identity="ip", rotation="never").current
    )


def test_a_lasting_id_is_found_by_itself_and_not_by_the_address_it_came_from() -> None:
    rules = rules_of(haproxy={"captures": {"fe": ["user_agent", "lasting_id"]}})
    [visit] = parse(text([line(captures="{VLC/3.0.20|4f2a-77}")]), rules=rules).visits
    by_address, by_playback = (
        listener_ids(requests(request_line), "acme", DAYS, HASHER, identity="ip_user_agent", rotation="never").current
        for request_line in ("192.0.2.7 VLC/3.0.20", "playback 4f2a-77")
    )
    assert visit["listener_id"] in by_playback and by_address.isdisjoint(by_playback)


def test_where_the_log_has_hashes_it_is_the_hash_that_is_given() -> None:
    [request] = read(["9f86d081884c7d65 VLC/3.0.20"], is_hashed=True)
    assert (request.address, request.agent) == ("9f86d081884c7d65", "VLC/3.0.20")


def test_every_epoch_of_the_days_has_its_id_and_those_of_rotations_that_were_set_before_too(tmp_path) -> None:
    file = str(tmp_path / "keys")
    salts.prepare(file, TENANTS.tenants)
    hasher = Hasher(bytes.fromhex(SECRET), salts.read(file))
    ids = {
        rotation: listener_ids(
            requests("192.0.2.7 VLC"), "acme", DAYS, hasher, identity="ip_user_agent", rotation=rotation
        )
        for rotation in ("never", "yearly", "monthly", "daily")
    }
    assert {rotation: len(of_rotation.current) for rotation, of_rotation in ids.items()} == {
        "never": 1, "yearly": 1, "monthly": 1, "daily": 2,
    }  # fmt: skip
    assert {of_rotation.every for of_rotation in ids.values()} == {ids["daily"].every} and len(ids["daily"].every) == 5
    salts.erase(file, "acme", "2001-01-16", rotation="daily", at=datetime(2001, 2, 1, tzinfo=timezone.utc))
    after = Hasher(bytes.fromhex(SECRET), salts.read(file))
    after_erasure = listener_ids(
        requests("192.0.2.7 VLC"), "acme", DAYS, after, identity="ip_user_agent", rotation="daily"
    )
    assert (
        after_erasure.destroyed == ("2001-01-16",)
        and len(after_erasure.current) == 1
        and after_erasure.current < ids["daily"].current
    )


def test_without_the_keys_file_nobody_can_be_found_and_that_is_said() -> None:
    with pytest.raises(KeysError, match="no keys for tenant 'acme'"):
        listener_ids(requests("192.0.2.7 VLC"), "acme", DAYS, HASHER, identity="ip_user_agent", rotation="monthly")


@pytest.mark.parametrize(("lines", "message"), [
    (["# nobody", ""], "nobody is named"), (["192.0.2.7 VLC", "192.0.2.777 VLC"], "line 2 begins with no address"),
    (["VLC 192.0.2.7"], "line 1 begins with no address"), (["playback"], "line 1 begins with no address"),
])  # fmt: skip
def test_a_line_that_names_nobody_is_reported_by_its_number_alone(lines: list[str], message: str) -> None:
    with pytest.raises(ErasureRequestError, match=message) as raised:
        requests(*lines)
    assert "192.0.2" not in str(raised.value) and "VLC" not in str(raised.value)


def test_nothing_of_who_asks_is_in_a_print_of_it() -> None:
    assert repr(requests("192.0.2.7 VLC", "playback 4f2a")) == "[ErasureRequest(), ErasureRequest()]"
