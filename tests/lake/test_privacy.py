"""Addresses are planted in every way that a log can carry one; afterwards nothing that was written holds any."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics_lake.cli.privacy import search
from metrics_lake.jobs.run import run
from metrics_lake.jobs.work import Work
from tests.lake.conftest import SAMPLES

PLANTED = {
    "client": "203.0.113.77",
    "bad line": "198.51.100.23",
    "referrer": "192.0.2.211",
    "query string": "203.0.113.199",
    "header": "198.51.100.142",
    "unclaimed path": "192.0.2.87",
}
_TIMES = "[04/Mar/2026:14:20:{second:02d}.000] fe_hls bk/web1 0/0/0/0/0 200 850 - - ---- 1/1/0/0/0 0/0"


def _lines() -> list[str]:
    def line(second: int, captures: str, request: str, client: str = "203.0.113.77:4000") -> str:
        return f'{client} {_TIMES.format(second=second)} {{{captures}}} "GET {request} HTTP/1.1"'

    return [
        line(1, "h|-|VLC/3", "/orbit/live/seg1.ts"),
        line(3, f"h|http://{PLANTED['referrer']}/page|VLC/3", "/orbit/live/seg2.ts"),
        line(5, "h|-|VLC/3", f"/orbit/live/seg3.ts?ip={PLANTED['query string']}"),
        line(7, f"h|-|Player ({PLANTED['header']})", "/orbit/live/seg4.ts"),
        line(9, "h|-|VLC/3", f"/{PLANTED['unclaimed path']}/x.ts"),
        f"{PLANTED['bad line']} what is this, from {PLANTED['bad line']} and 3325256727?",
    ]


@pytest.fixture(scope="module")
def planted(work_in: Callable[..., Work], tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("planted")
    landing = folder / "landing" / "haproxy"
    landing.mkdir(parents=True)
    (landing / "edge.log").write_text("\n".join(_lines()) + "\n")
    work = work_in(folder, folder / "landing", SAMPLES / "tenants.yaml")
    run(work)
    (folder / "addresses").write_text("\n".join(PLANTED.values()))
    return work


def test_no_planted_address_is_found_in_anything_that_was_written(planted: Work) -> None:
    folder = Path(planted.settings.storage.lake).parent
    report = search(planted.settings, str(folder / "addresses"), [])
    assert report.address_count >= len(PLANTED)
    assert report.file_count > 20
    assert report.findings == [], report.findings


def test_the_audit_finds_an_address_that_is_put_into_the_lake(planted: Work, tmp_path: Path) -> None:
    folder = Path(planted.settings.storage.lake).parent
    lake = tmp_path / "lake"
    shutil.copytree(planted.settings.storage.lake, lake)
    (lake / "_checkpoints" / "note.json").write_text(json.dumps({"seen": PLANTED["client"]}))
    report = search(planted.settings, str(folder / "addresses"), [str(lake)])
    assert [Path(finding.file).name for finding in report.findings] == ["note.json"]
    assert PLANTED["client"] not in repr(report.findings)
