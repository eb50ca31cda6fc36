"""What the rows of a file depend on: each setting by which lines are read, and no other."""

from __future__ import annotations

import pytest
import yaml

from metrics_lake.config.settings import Settings, rules
from metrics_lake.config.tenants import Tenants
from metrics_lake.privacy.redaction import rules_mark
from metrics_lake.sources.haproxy.reading_rules import reading_rules
from tests.unit.cli.conftest import TENANTS

SECRETS = (b"1" * 32, b"2" * 32)
IN_ORDER = 'live: {protocol: hls, match: {path: "/acme/live/*"}}'


def _mark(tenants: str = TENANTS, secret: bytes = SECRETS[0], **settings: object) -> str:
    told = Tenants.model_validate(yaml.safe_load(tenants))
    return rules_mark(secret, reading_rules(rules(Settings.model_validate(settings), told)))


@pytest.mark.parametrize(
    "tenants",
    [
        TENANTS.replace("/acme/live/*", "/live/*"), TENANTS.replace("fm:", "am:"), TENANTS.replace("acme:", "zeta:"),
        TENANTS.replace("hls,", "hls, segment_seconds: 4,"), TENANTS + "    internal_networks: [10.0.0.0/8]\n",
        TENANTS + "    own_sites: ['*.acme.example']\n",
        TENANTS.replace(f"      {IN_ORDER}\n", "") + f"      {IN_ORDER}\n",
    ],
    ids=["glob", "stream", "tenant", "segment", "network", "site", "order of streams"],
)  # fmt: skip
def test_another_stream_is_another_way_of_reading(tenants: str) -> None:
    assert _mark(tenants) != _mark()


@pytest.mark.parametrize(
    "haproxy",
    [
        {"timezone": "Asia/Tokyo"}, {"trusted_proxies": ["10.0.0.0/8"]}, {"captures": {"fe": ["referer"]}},
        {"formats": {"*": "httplog"}}, {"samples": {"ssl_fc_sni": "sni"}}, {"address_mode": "hashed"},
    ],
)  # fmt: skip
def test_another_setting_of_the_log_is_another_way_of_reading(haproxy: dict[str, object]) -> None:
    assert _mark(haproxy=haproxy) != _mark()


def test_the_order_of_formats_counts() -> None:
    globs = ({"a*": "httplog", "*": "tcplog"}, {"*": "tcplog", "a*": "httplog"})
    first, second = (_mark(haproxy={"formats": formats}) for formats in globs)
    assert first != second


@pytest.mark.parametrize(
    ("tenants", "settings"),
    [
        (TENANTS.replace("Acme Radio", "Acme"), {}), (TENANTS.replace("Africa/Johannesburg", "UTC"), {}),
        (TENANTS + "    apps: [{store: apple, id: '1', name: A}]\n", {}),
        (TENANTS + "  silent: {timezone: UTC}\n", {}),
        (TENANTS, {"haproxy": {"expected_proxies": ["edge-01"]}}), (TENANTS, {"sessions": {"gap_seconds": 5}}),
        (TENANTS, {"privacy": {"minimum_group": 2, "secret_file": "elsewhere"}}),
    ],
    ids=["name", "clock", "app", "tenant without streams", "expected proxies", "gap", "groups"],
)  # fmt: skip
def test_what_later_steps_apply_is_no_way_of_reading(tenants: str, settings: dict[str, object]) -> None:
    assert _mark(tenants, **settings) == _mark()


def test_nobody_without_the_secret_can_test_a_guess_of_the_rules() -> None:
    assert _mark(secret=SECRETS[0]) != _mark(secret=SECRETS[1])
