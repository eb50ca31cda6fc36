"""Listener ids: which requests belong to one listener, and that no address leaves this step."""

from __future__ import annotations

import json

import polars as pl
import pytest

from metrics_lake.config.tenants import Tenants
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.privacy.salts import Salts
from metrics_lake.sources.haproxy.listeners import identify_listeners, unescaped
from tests.unit.sources.haproxy.logs import SECRET as LOG_SECRET
from tests.unit.sources.haproxy.logs import line, parse, rules_of, text

SECRET = bytes(range(11, 43))
IP = "192.0.2.7"
TENANTS = Tenants.model_validate(
    {"tenants": {"acme": {"name": "A", "timezone": "UTC"}, "byip": {"name": "B", "timezone": "UTC", "identity": "ip"}}}
)
_TYPES = {"referer": pl.String, "user_agent": pl.String, "lasting_id": pl.String, "address": pl.String}


def identify(*rows: dict, identity: str = "ip_user_agent", rotation: str = "never") -> pl.DataFrame:
    """Requests with what a row doesn't say as here."""
    plain = {
        "tenant": "acme", "accepted_ms": 979_588_800_000, "address": IP, "user_agent": "VLC/3.0", "lasting_id": None,
        "referer": None,
    }  # fmt: skip
    frame = pl.DataFrame([{**plain, **row} for row in rows], schema_overrides=_TYPES)
    rules = rules_of(TENANTS, privacy={"identity": identity, "key_rotation": rotation})
    salts = Salts({tenant: {"": SECRET} for tenant in TENANTS.tenants})
    return identify_listeners(frame, rules, Hasher(SECRET, salts))


def ids(*rows: dict, **options) -> list[str]:
    return identify(*rows, **options)["listener_id"].to_list()


def are_one(*rows: dict, **options) -> bool:
    return len(set(ids(*rows, **options))) == 1


def test_the_same_address_and_agent_are_one_listener():
    assert are_one({}, {}) and not are_one({}, {"user_agent": "mpv"}) and not are_one({}, {"address": "192.0.2.8"})


@pytest.mark.parametrize("agent", [None, "", "-", " ", " - "])
def test_an_agent_that_is_missing_empty_or_a_dash_is_one_value(agent):
    assert are_one({"user_agent": None}, {"user_agent": agent})
    assert identify({"user_agent": agent})["has_agent"].to_list() == [None if agent is None else False]


@pytest.mark.parametrize(
    ("agent", "expected"),
    [(None, (None, "unknown", "unknown", "unknown", None)), ("-", (False, "other", "other", "other", None)),
     ("VLC/3.0 (Windows)", (True, "VLC", "Windows", "desktop", None))],
)  # fmt: skip
def test_an_agent_that_the_log_has_no_place_for_is_unknown_and_not_missing(agent, expected):
    names = ("has_agent", "player", "os", "device", "client_kind")
    assert identify({"user_agent": agent}).select(names).row(0) == expected


def test_by_the_address_alone_bots_monitors_and_relays_are_others_than_people():
    agents = ("VLC/3.0", "mpv", "", None, "SearchBot/2.1", "OtherBot/1.0", "UptimeRobot/2.0")
    rows = ids(*({"user_agent": agent} for agent in agents), identity="ip")
    assert [rows.index(listener) for listener in rows] == [0, 0, 0, 0, 4, 4, 6]


def test_a_bot_that_sends_a_listener_s_own_id_is_another_listener():
    people, bot = ({"lasting_id": "p1", "user_agent": agent} for agent in ("VLC/3.0", "SearchBot/2.1"))
    assert are_one(people, {**people, "user_agent": "mpv"}) and not are_one(people, bot)


def test_escapes_are_undone_before_agents_are_compared():
    assert are_one({"user_agent": "Caf#C3#A9 #22x#22"}, {"user_agent": 'Café "x"'})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", "plain"),
        ("#22quoted#22", '"quoted"'),
        ("#7Ba#7Cb#7D #23", "{a|b} #"),
        ("K#C3#BCnstler", "Künstler"),
        ("#zz #2 #", "#zz #2 #"),
        ("#FF", "�"),
        ("#2322", "#22"),
    ],
)
def test_the_escapes_of_captured_headers_are_undone_once(written, meant):
    assert unescaped(written) == meant


def test_a_tenant_or_the_settings_may_say_that_the_address_alone_makes_a_listener():
    two = ({"user_agent": "VLC"}, {"user_agent": "mpv"})
    assert not are_one(*two) and are_one(*two, identity="ip")
    assert are_one(*({**row, "tenant": "byip"} for row in two))


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_listeners_are_distinguished_by_canonical_addresses(one, other, are_same):
    assert are_one({"address": one}, {"address": other}) == are_same


def test_a_lasting_id_tells_two_devices_behind_one_address_apart():
    assert not are_one({"lasting_id": "p1"}, {"lasting_id": "p2"})
    assert not are_one({"lasting_id": "p1"}, {})


def test_a_lasting_id_that_says_nothing_is_none():
    assert are_one({"lasting_id": None}, {"lasting_id": ""}, {"lasting_id": "-"})


def test_one_person_is_another_listener_to_each_tenant():
    assert not are_one({}, {"tenant": "byip"})


def test_keys_change_with_the_epoch_of_the_request_and_not_before():
    morning, evening, next_day = ({"accepted_ms": 979_516_800_000 + hours * 3_600_000} for hours in (1, 23, 25))
    assert are_one(morning, evening, next_day)
    assert are_one(morning, evening, rotation="daily") and not are_one(evening, next_day, rotation="daily")
    assert are_one(evening, next_day, rotation="monthly")


def test_requests_keep_their_order_and_all_that_is_not_private():
    rows = identify(
        {"address": "192.0.2.1", "kept": 1}, {"address": "192.0.2.2", "kept": 2}, {"address": "-", "kept": 3}
    )
    assert rows["kept"].to_list() == [1, 2, 3] and rows["listener_id"].n_unique() == 3


def test_no_column_with_address_agent_or_lasting_id_goes_on():
    rows = identify({"user_agent": "Tell-tale/1.0", "lasting_id": "p-123456", "referer": f"https://{IP}/a?b=telling"})
    assert not {"address", "user_agent", "lasting_id", "agent", "referer"} & set(rows.columns)
    output = json.dumps(rows.to_dicts(), default=str)
    assert IP not in output and "p-123456" not in output and "telling" not in output


def test_what_may_be_known_of_an_agent_stands_in_columns_of_its_own():
    rows = identify({"user_agent": "VLC/3.0.20 LibVLC/3.0.20"}).to_dicts()[0]
    assert (rows["player"], rows["player_version"], rows["has_agent"]) == ("VLC", "3", True)


@pytest.mark.parametrize(
    "haproxy",
    [
        {"captures": {"fe": ["user_agent", "playback_id"]}},
        {"captures": {"fe": ["user_agent", "other"]}},
        {"formats": {"*": 'sid=%[var(txn.sid)] X-Playback-Session-Id=%[var(txn.cmcd_sid)] ci=%ci %tr %ST "%r" %Ta %{+Q}[var(txn.ua)]'}},
    ],
)  # fmt: skip
def test_an_id_that_changes_at_every_load_never_makes_another_listener(monkeypatch, haproxy):
    """X-Playback-Session-Id and CMCD's sid, captured or logged under their names: definitions.md section 1."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", LOG_SECRET)

    def logged(n: int) -> str:
        if "formats" in haproxy:
            own = f"sid=s{n} X-Playback-Session-Id=p{n} ci={IP} 15/Jan/2001:12:00:0{n}.000"
            return own + ' 200 "GET /acme.mp3 HTTP/1.1" 5 "VLC"'
        return line(n, "/acme.mp3", captures=f"{{VLC|p{n}}}")

    got = parse(text([logged(n) for n in range(3)]), rules=rules_of(haproxy=haproxy))
    assert got.accounts == {"accepted": 3} and len({visit["listener_id"] for visit in got.visits}) == 1


def test_a_lasting_id_that_a_setting_names_takes_the_place_of_address_and_agent(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", LOG_SECRET)
    rows = [line(n, "/acme.mp3", address=f"192.0.2.{n}", captures=f"{{VLC/{n}|device-7}}") for n in range(3)]
    got = parse(text(rows), rules=rules_of(haproxy={"captures": {"fe": ["user_agent", "lasting_id"]}}))
    assert len({visit["listener_id"] for visit in got.visits}) == 1
