"""docs/formats.md is right: its settings load, its log-formats compile, its errors and reasons are the real ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics_lake.config.settings import Haproxy
from metrics_lake.config.tenants import Tenants
from metrics_lake.sources.haproxy import formats

DOCS = (Path(__file__).parents[5] / "docs" / "formats.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.S | re.M)


@pytest.mark.parametrize("block", [block for block in _blocks("yaml") if block.startswith("streams")])
def test_every_stream_of_the_page_loads(block: str) -> None:
    assert Tenants.model_validate({"tenants": {"t": {"timezone": "UTC", **yaml.safe_load(block)}}})


@pytest.mark.parametrize("block", [block for block in _blocks("yaml") if block.startswith("haproxy")])
def test_every_setting_of_the_page_loads(block: str) -> None:
    haproxy = Haproxy.model_validate(yaml.safe_load(block)["haproxy"])
    assert haproxy != Haproxy()
    formats.bound(haproxy)


def test_every_log_format_of_the_page_compiles() -> None:
    documented = [line.strip() for block in _blocks("haproxy") for line in block.splitlines() if "log-format" in line]
    assert len(documented) == 3
    assert all("address" in formats.compiled(line).columns for line in documented)
    assert formats.compiled(documented[0]).text == formats.RECOMMENDED


def test_the_error_of_the_page_is_the_real_one() -> None:
    excerpt = " ".join(_blocks("text")[0].split())
    with pytest.raises(formats.FormatError) as caught:
        formats.bound(Haproxy.model_validate({"formats": {"edge-02": "%ci [%tr] %[var(txn.ua)] %[req.hdr(referer)]"}}))
    assert " ".join(str(caught.value).split()) == excerpt


SHIPPED = re.findall(r"^\*\*([^\n]+?)\*\*: [^\n]+\n\n```log\n([^\n]+)\n```", DOCS, re.M)


@pytest.mark.parametrize(("shipper", "shipped"), SHIPPED, ids=[name for name, _ in SHIPPED])
def test_the_line_that_each_shipper_makes_is_read(shipper: str, shipped: str, read: Callable[..., list[Any]]) -> None:
    [request] = read(shipped)
    columns = ("address", "duration_ms", "status", "user_agent", "at", "is_closed")
    assert [request[name] for name in columns] == ["192.0.2.7", 40, 200, "VLC/3.0.20", "2026-11-22T16:10:25.100Z", True]
    assert re.fullmatch(r"/acme/live/[a-z0-9-]+\.ts", request["path"])


def test_the_common_shippers_are_on_the_page() -> None:
    shippers = "rsyslog journald Docker Kubernetes fluentd fluent-bit Vector Filebeat Elastic Loki CloudWatch GCP Splunk Graylog"
    names = " ".join(name for name, _ in SHIPPED)
    assert [name for name in shippers.split() if name not in names] == []


def test_every_built_in_format_is_on_the_page() -> None:
    assert [name for name in formats.BUILT_IN if f"`option {name}`" not in DOCS] == []
