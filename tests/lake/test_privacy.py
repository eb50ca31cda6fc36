"""Addresses are planted in every way that a log can carry one; afterwards nothing that was written or said holds any."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from metrics_lake import audit
from metrics_lake.bronze.haproxy import TABLE
from metrics_lake.cli.screens.privacy_search import search
from metrics_lake.config.settings import Settings
from tests.lake.conftest import ROOT, SAMPLES, lake_settings

PLANTED = {
    "client": "203.0.113.77",
    "client of IPv6": "2001:db8:77:1::9",
    "bad line": "198.51.100.23",
    "exception": "198.51.100.99",
    "referrer": "192.0.2.211",
    "referring app": "192.0.2.212",
    "query string": "203.0.113.199",
    "header": "198.51.100.142",
    "robot": "198.51.100.143",
    "forwarded for": "203.0.113.31",
    "unclaimed path": "192.0.2.87",
    "host": "192.0.2.33",
    "frontend": "192.0.2.34",
    "file name": "203.0.113.201",
    "name of a damaged file": "203.0.113.202",
    "folder": "203.0.113.203",
    "logging host": "203.0.113.204",
    "trusted proxy": "198.51.100.200",
    "own network": "198.51.100.201",
    "bound folder": "198.51.100.202",
}
AGENT = "VLC/3"
_TIMES = "[04/Mar/2026:14:20:{second:02d}.000] {frontend} bk/web1 0/0/0/0/0 200 850 - - ---- 1/1/0/0/0 0/0"


def _line(second: int, captures: str, request: str, client: str = PLANTED["client"], frontend: str = "fe_hls") -> str:
    times = _TIMES.format(second=second, frontend=frontend)
    return f'{client}:4000 {times} {{{captures}}} "GET {request} HTTP/1.1"'


def _lines() -> list[str]:
    of = PLANTED
    return [
        _line(1, f"h|-|{AGENT}", "/orbit/live/seg1.ts"),
        _line(2, f"h|-|{AGENT}", "/orbit/live/seg1.ts", client=of["client of IPv6"]),
        _line(3, f"h|http://{of['referrer']}/page|{AGENT}", "/orbit/live/seg2.ts"),
        _line(4, f"h|android-app://a.{of['referring app']}.example/|{AGENT}", "/orbit/live/seg2.ts"),
        _line(5, f"h|-|{AGENT}", f"/orbit/live/seg3.ts?ip={of['query string']}"),
        _line(7, f"h|-|Player ({of['header']})", "/orbit/live/seg4.ts"),
        _line(8, f"h|-|{of['robot'].replace('.', '-')}Bot/1.0", "/orbit/live/seg4.ts"),
        _line(9, f"h|-|{AGENT}", f"/{of['unclaimed path']}/x.ts"),
        _line(10, f"{of['host']}|-|{AGENT}", "/orbit/live/seg5.ts"),
        _line(11, f"h|-|{AGENT}", "/nobody's/x.ts", frontend=f"fe_{of['frontend']}"),
        _line(12, f"h|-|{AGENT}|{of['forwarded for']}", "/orbit/live/seg6.ts", client=of["trusted proxy"]),
        _line(13, f"h|-|{AGENT}", "/orbit/live/seg7.ts", client=of["own network"]),
        f"{of['bad line']} what is this, from {of['bad line']} and 3325256727?",
    ]


def _land(landing: Path) -> None:
    """The log with all that lines can carry, and a log of one line wherever a name can hold an address."""
    named = {
        "edge/edge.log": ("", _lines()),
        f"edge/of-{PLANTED['file name']}.log": ("", [_line(20, f"h|-|{AGENT}", "/orbit/live/seg8.ts")]),
        f"{PLANTED['folder']}/edge.log": ("", [_line(21, f"h|-|{AGENT}", "/orbit/live/seg9.ts")]),
        f"{PLANTED['bound folder']}/edge.log": ("", [_line(22, f"h|-|{AGENT}", "/orbit/live/seg10.ts")]),
        "hosts/edge.log": (
            f"Mar  4 14:20:23 {PLANTED['logging host']} haproxy[1]: ",
            [_line(23, f"h|-|{AGENT}", "/orbit/live/seg11.ts")],
        ),
    }
    for name, (prefix, lines) in named.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text("".join(f"{prefix}{line}\n" for line in lines))
    (landing / "edge" / f"{PLANTED['name of a damaged file']}.log.gz").write_bytes(gzip.compress(b"x" * 999)[:-4])


def _tenants(folder: Path) -> Path:
    file = folder / "tenants.yaml"
    own = f"    internal_networks: [{PLANTED['own network']}/32]\n    streams:\n"
    file.write_text((SAMPLES / "tenants.yaml").read_text().replace("    streams:\n", own, 1))
    return file


@pytest.fixture(autouse=True)
def secret_of_the_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lake's secret is in a file of its own; one in the environment, which other tests have, would be another."""
    monkeypatch.delenv("METRICS_LAKE_SECRET", raising=False)


@dataclass(frozen=True)
class Planted:
    """What is left of a run over what was planted, and all that commands said of it, by command."""

    settings: Settings
    written: Path
    said: dict[str, str]

    def found(self, *more: Path) -> list[audit.Finding]:
        report = search(self.settings, str(self.written.parent / "addresses"), [str(self.written), *map(str, more)])
        assert report.address_count >= len(PLANTED) and report.file_count > 40
        return report.findings


def _commands(folder: Path, missing: str) -> dict[str, list[str]]:
    return {
        "run": ["run"],
        "run again": ["run"],
        "completeness": ["audit", "completeness", "--format", "csv"],
        **{
            table: ["show", f"bronze.{table}", "--format", "csv"]
            for table in ("files", "rejects", "unclaimed", "visits")
        },
        "privacy": ["audit", "privacy"],
        "doctor": ["doctor"],
        "detect": ["formats", "detect", str(folder / "landing" / "haproxy" / "edge" / "edge.log")],
        "check": ["formats", "check", str(folder / "landing" / "haproxy" / "edge" / "edge.log"), "--format", "httplog"],
        "missing file": ["formats", "detect", missing],
        "missing places": ["run", "--set", f"places.country_file={missing}"],
        "missing places, the whole story": ["run", "--debug", "--set", f"places.country_file={missing}"],
        "failing feed": [],
    }


_SAY = """
import json, sys
from metrics_lake.cli import main
from tests.lake.feed_that_fails import fail
for name, arguments in json.loads(sys.argv[1]).items():
    for stream in (sys.stdout, sys.stderr):
        print(f"=== command: {name}", file=stream, flush=True)
    try:
        if arguments:
            main(arguments + sys.argv[2:] * ("detect" not in arguments))
            print("code 0", flush=True)
        else:
            fail(sys.argv[2:])
    except SystemExit as ended:
        print(f"code {ended.code}", flush=True)
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The commands in one process of their own, so that Spark's logs, its spill folder and whatever is printed are theirs."""
    folder = tmp_path_factory.mktemp("planted")
    _land(folder / "landing" / "haproxy")
    (folder / "addresses").write_text("\n".join(PLANTED.values()))
    written = folder / "written"
    for name in ("events", "spill", "tmp", "said"):
        (written / name).mkdir(parents=True)
    conf = {
        "spark.eventLog.enabled": "true", "spark.eventLog.dir": (written / "events").as_uri(),
        "spark.local.dir": str(written / "spill"), "spark.eventLog.rolling.enabled": "false",
    }  # fmt: skip
    overrides = [
        f"spark.conf={json.dumps(conf)}", "spark.driver_memory=1g",
        f"haproxy.trusted_proxies=[{PLANTED['trusted proxy']}/32]",
        f"haproxy.formats={{'{PLANTED['bound folder']}': httplog}}",
    ]  # fmt: skip
    settings = lake_settings(written, folder / "landing", _tenants(folder), *overrides)
    named = [f"{key}={value}" for key, value in _places(settings).items()]
    sets = [word for override in [*named, *overrides] for word in ("--set", override)]
    commands = _commands(folder, str(folder / f"{PLANTED['exception']}.mmdb"))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "TMPDIR": str(written / "tmp"),
        "COLUMNS": "300",
    }
    environment.pop("METRICS_LAKE_SECRET", None)
    done = subprocess.run(
        [sys.executable, "-c", _SAY, json.dumps(commands), "--conf", str(ROOT / "conf"), *sets],
        env=environment, capture_output=True, text=True, timeout=500, cwd=ROOT, check=False,
    )  # fmt: skip
    for name, text in (("out", done.stdout), ("err", done.stderr)):
        (written / "said" / name).write_text(text)
    return Planted(settings, written, _by_command(done.stdout, done.stderr))


def _places(settings: Settings) -> dict[str, str]:
    return {
        "storage.landing": settings.storage.landing, "storage.lake": settings.storage.lake,
        "storage.rollups": settings.storage.rollups, "documents.path": settings.documents.path,
        "privacy.secret_file": settings.privacy.secret_file, "tenants": settings.tenants,
        "spark.jars": settings.spark.jars,
    }  # fmt: skip


def _by_command(*streams: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for stream in streams:
        parts = re.split(r"^=== command: (.*)\n", stream, flags=re.MULTILINE)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            said[name] = said.get(name, "") + text
    return said


def test_no_planted_address_is_found_in_anything_that_was_written_or_said(planted: Planted) -> None:
    assert planted.found() == []
    events = [path for path in (planted.written / "events").iterdir() if path.stat().st_size > 10_000]
    assert len(events) == 1, "Spark's event log was searched too"


def test_every_command_came_to_its_end_as_it_should(planted: Planted) -> None:
    codes = {name: re.findall(r"^code (\d+)$", text, re.MULTILINE) for name, text in planted.said.items()}
    failing = {"missing file", "missing places", "missing places, the whole story", "check", "failing feed"}
    assert {name for name, code in codes.items() if code != ["0"]} - {"doctor"} == failing, planted.said
    assert "no address and no key was found" in planted.said["privacy"]
    assert "places.country_file: no file" in planted.said["missing places"]
    assert "<address>.mmdb" in planted.said["missing places, the whole story"]
    assert "ReadingFailed: ValueError in feed_that_fails.parse" in planted.said["failing feed"]


def test_what_holds_an_address_in_its_name_is_read_once_and_shown_apart(planted: Planted) -> None:
    assert "6 files taken in" in planted.said["run"] and "0 files taken in" in planted.said["run again"]
    rows = pl.read_delta(str(Path(planted.settings.storage.lake) / "bronze" / "haproxy"))
    files = rows.filter(pl.col("row_kind") == "file")
    assert dict(files["status"].value_counts().iter_rows()) == {"read": 5, "quarantined": 1}
    marked = [path for path in files["path"] if "<address:" in path]
    assert (len(marked), len(set(marked))) == (4, 4)
    assert files.filter(pl.col("proxy").str.starts_with("<address:"))["proxy"].n_unique() == 2
    assert (files["accepted_count"].sum(), files["unclaimed_count"].sum(), files["reject_count"].sum()) == (14, 2, 1)
    visits = rows.filter(pl.col("row_kind") == "visit")
    assert visits.filter(pl.col("is_internal"))["request_count"].sum() == 1
    assert visits.filter(pl.col("client_kind") == "bot")["player"].to_list() == ["other"]


def test_of_bronze_s_files_the_log_says_what_reads_prune_by_and_nothing_else(planted: Planted) -> None:
    log = Path(planted.settings.storage.lake, TABLE.path, "_delta_log")
    actions = [json.loads(line) for file in log.glob("*.json") for line in file.read_text().splitlines()]
    told = [set(json.loads(action["add"]["stats"])["minValues"]) for action in actions if "add" in action]
    assert {"batch_number", "first_at"} <= set.union(*told) <= set(TABLE.pruned_by)


def test_the_audit_finds_an_address_that_is_put_into_the_lake(planted: Planted, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(planted.settings.storage.lake, lake)
    (lake / "_checkpoints" / "note.json").write_text(json.dumps({"seen": PLANTED["client"]}))
    found = planted.found(lake)
    assert [Path(finding.file).name for finding in found] == ["note.json"]
    assert PLANTED["client"] not in repr(found)


@pytest.mark.parametrize("place", ["events", "spill", "said"])
def test_the_audit_finds_an_address_that_is_put_beside_the_lake(planted: Planted, place: str) -> None:
    planted_file = planted.written / place / "put-there"
    planted_file.write_bytes(gzip.compress(f"seen {PLANTED['folder']}, once".encode()))
    try:
        assert [Path(finding.file).name for finding in planted.found()] == ["put-there"]
    finally:
        planted_file.unlink()
