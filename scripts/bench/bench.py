"""Measures the whole job beside a hand-written DuckDB job and GoAccess: same files, one after the other, each in a
process of its own, all in one invocation. Prints a table and keeps it as JSON below .cache/bench/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import check
import corpus as corpora
import goaccess_side
import report
from corpus import CACHE, Corpus
from machine import CommandError, Measured, facts, measure
from rich.console import Console

_WIDTH = 116  # so that the table is whole in a log file too
SIDES = ("ours", "duckdb", "goaccess")
HERE = Path(__file__).parent
PYTHON = str(Path(sys.executable))


@dataclass
class Bench:
    """One invocation: the corpus, a scratch folder for every side, and what came out so far."""

    corpus: Corpus
    scratch: Path
    console: Console
    results: dict[str, Any] = field(default_factory=dict)

    def folder(self, side: str) -> Path:
        folder = self.scratch / side
        folder.mkdir(exist_ok=True)
        return folder

    def overrides(self, side: str) -> list[str]:
        folder = self.folder(side)
        own = {
            "storage.landing": self.corpus.folder / "landing",
            "storage.lake": folder / "lake",
            "storage.rollups": folder / "rollups",
            "documents.path": folder / "documents.db",
            "privacy.secret_file": folder / "secret",
            "tenants": self.corpus.folder / "tenants.yaml",
        }
        return [f"{key}={value}" for key, value in own.items()]

    def rollups(self, side: str) -> Path:
        return self.folder(side) / "rollups"


def ours(bench: Bench) -> None:
    log = bench.scratch / "ours.log"
    measured = measure([PYTHON, str(HERE / "spark_side.py"), *bench.overrides("ours")], log)
    bench.results["ours"] = _told(measured)
    again = measure(_run_again(bench), bench.scratch / "again.log")
    bench.results["ours"]["run_with_nothing_new_seconds"] = again.seconds


def _run_again(bench: Bench) -> list[str]:
    settings = [word for override in bench.overrides("ours") for word in ("--set", override)]
    return [str(Path(sys.executable).with_name("metrics-lake")), "run", *settings]


def duckdb(bench: Bench) -> None:
    command = [PYTHON, str(HERE / "duckdb_side.py"), str(bench.folder("duckdb")), *bench.overrides("duckdb")]
    bench.results["duckdb"] = _told(measure(command, bench.scratch / "duckdb.log"))


def goaccess(bench: Bench) -> None:
    if not goaccess_side.is_there():
        bench.console.print("GoAccess is not installed (apt install goaccess): left out")
        return
    measured, general = goaccess_side.run(bench.corpus, bench.scratch)
    steps = {"startup_seconds": 0.0, "steps": {}, "steps_cpu": {}}
    whole = {"steps_seconds": measured.seconds, "steps_cpu_seconds": measured.cpu_seconds}
    bench.results["goaccess"] = {**_seen(measured), **steps, **whole, "facts": general}


def _seen(measured: Measured) -> dict[str, Any]:
    return {"seconds": measured.seconds, "cpu_seconds": measured.cpu_seconds, "peak_bytes": measured.peak_bytes}


def _told(measured: Measured) -> dict[str, Any]:
    """What a side said in its last line, with what was seen of it from outside."""
    said = json.loads(measured.said.strip().splitlines()[-1])
    return {
        **_seen(measured),
        "startup_seconds": said["ready_at"] - measured.started_at,
        "steps": said["seconds"],
        "steps_cpu": said["cpu_seconds"],
        "steps_seconds": sum(said["seconds"].values()),
        "steps_cpu_seconds": sum(said["cpu_seconds"].values()),
        "facts": said["facts"],
    }


def verify(bench: Bench) -> dict[str, Any]:
    """Truth for each side that publishes, and the two against each other."""
    truth, verdicts = bench.corpus.truth(), {}
    for side in ("duckdb", "ours"):
        if side in bench.results:
            verdict = check.against_truth(bench.rollups(side), truth)
            verdicts[f"{side} and the truth"] = verdict.text("figures")
    if "ours" in bench.results and "duckdb" in bench.results:
        verdict = check.against_each_other(bench.rollups("ours"), bench.rollups("duckdb"))
        verdicts["ours and duckdb"] = verdict.text("rollups")
    return verdicts


def run_all(bench: Bench, only: Sequence[str]) -> dict[str, Any]:
    """Every side that is wanted, one after the other, and what to know beside their seconds."""
    bench.corpus.warm()
    machine = facts()
    sides: dict[str, Callable[[Bench], None]] = {"ours": ours, "duckdb": duckdb, "goaccess": goaccess}
    for side in only:
        with bench.console.status(f"{side}: {bench.corpus.line_count:,} lines"):
            sides[side](bench)
    machine["load_1_5_15_at_the_end"] = facts()["load_1_5_15"]
    with bench.console.status("comparing the figures"):
        checks = verify(bench)
    return {"lines": bench.corpus.line_count, "machine": machine, "sides": bench.results, "checks": checks}


def main() -> int:
    options = _options()
    console = Console(highlight=False, soft_wrap=True, width=max(Console().width, _WIDTH))
    CACHE.mkdir(parents=True, exist_ok=True)
    with console.status(f"making {options.lines:,} lines, once"):
        corpus = corpora.ready(options.lines)
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=CACHE)).resolve()
    try:
        result = run_all(Bench(corpus, scratch, console), options.only or SIDES)
    except CommandError as error:
        (CACHE / "failed.log").write_text(error.said)
        console.print(f"{error}\nAll it said: {CACHE / 'failed.log'}", style="red", markup=False)
        return 1
    finally:
        if options.keep:
            console.print(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    report.tell(result, console)
    console.print(f"\n{_kept(result, options.lines)}")
    return 0


def _kept(result: dict[str, Any], lines: int) -> Path:
    at = datetime.now(timezone.utc)
    file = CACHE / f"report-{lines}-{at:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps({"at": at.isoformat(timespec="seconds"), **result}, indent=1) + "\n")
    return file


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench/run", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--lines", type=int, choices=(100_000, 1_000_000, 10_000_000), default=1_000_000)
    parser.add_argument("--only", choices=SIDES, action="append", help="only this side; repeatable")
    parser.add_argument("--keep", action="store_true", help="keep what the sides wrote")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
