"""docs/formats.md is right: its settings load, its log-formats compile, its errors and reasons are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from metrics_lake.config.settings import Haproxy
from metrics_lake.config.tenants import Tenants
from metrics_lake.sources.haproxy import formats, line_classes
from metrics_lake.sources.haproxy.formats import reject_reasons

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


def test_every_reason_of_a_reject_is_explained() -> None:
    sources = Path(str(line_classes.__file__)).read_text() + Path(str(reject_reasons.__file__)).read_text()
    reasons = set(re.findall(r'pl\.lit\("([a-z]+(?:_[a-z]+)+)"', sources)) | {"address_not_hashed"}
    table = DOCS.partition("## Why a line was rejected")[2]
    assert reasons - set(re.findall(r"`([a-z_]+)`", table)) <= {"key_destroyed"}


def test_every_built_in_format_is_on_the_page() -> None:
    assert [name for name in formats.BUILT_IN if f"`option {name}`" not in DOCS] == []
