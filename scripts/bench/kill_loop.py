"""Kills `metrics-lake run` at random, again and again, and compares what it ends in with a run that nobody killed.

Each time the corpus has a little more of its files, so that every start has work to do. Half of the kills fall into
the first five seconds after a start, the others shortly after a job has begun, each of them in turn. Run from the project's root:
    .venv/bin/python scripts/bench/kill_loop.py [--kills 50] [--seed 1] [--days 2] [--folder DIR]
Ends with 1 if anything differs, or if a checkpoint had to be mended by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable

from metrics_lake.catalog import stored
from metrics_lake.demo.traffic import Plan, generate
from metrics_lake.io.documents.sqlite import SqliteDocuments

_STEPS = {
    "starting Spark": "start", "reading": "ingest", "ending a batch": "ingest", "building sessions": "refine",
    "working out": "compute", "publishing": "publish",
}  # fmt: skip
_AWAITED = ("reading", "building sessions", "working out", "publishing")
_OF_A_RUN = ("generated_at", "revision")


@dataclass
class Lake:
    """A folder with everything that runs write, and the landing folder that they read."""

    folder: Path
    corpus: Path
    killed_in: Counter[str] = field(default_factory=Counter)

    def command(self) -> list[str]:
        places = {
            "storage.landing": self.folder / "landing", "storage.lake": self.folder / "lake",
            "storage.rollups": self.folder / "rollups", "documents.path": self.folder / "documents.db",
            "privacy.secret_file": self.folder.parent / "secret", "tenants": (self.corpus / "tenants.yaml").resolve(),
            "spark.driver_memory": "1g",
        }  # fmt: skip
        options = [part for key, value in places.items() for part in ("--set", f"{key}={value}")]
        return [sys.executable, "-m", "metrics_lake.cli", "run", *options]

    def take(self, files: list[Path]) -> None:
        (self.folder / "landing").mkdir(parents=True, exist_ok=True)
        for file in files:
            target = self.folder / "landing" / file.relative_to(self.corpus / "landing")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)

    def run(self) -> float:
        """One whole run; its seconds."""
        started = time.monotonic()
        done = subprocess.run(self.command(), capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"a run failed after {sum(self.killed_in.values())} kills: {done.stderr[-2000:]}")
        return time.monotonic() - started

    def kill(self, after_seconds: float, awaited: str = "") -> None:
        """Starts a run and kills it, its JVM too, as a machine that loses its power would.

        The seconds count from the start, or from where the run tells of the step that is `awaited`.
        """
        log = self.folder / "log.txt"
        with log.open("w") as output:
            driver = subprocess.Popen(self.command(), stdout=output, stderr=output, start_new_session=True)
            while awaited not in log.read_text() and driver.poll() is None:
                time.sleep(0.02)
            try:
                driver.wait(after_seconds)
                self.killed_in["nothing: it had ended"] += 1
            except subprocess.TimeoutExpired:
                os.killpg(driver.pid, 9)
                driver.wait()
                self.killed_in[_step(log.read_text())] += 1

    def state(self) -> dict[str, Any]:
        """All that has to be equal: rows of tables, blobs, documents; not what each run says of itself."""
        tables = {}
        for table in stored():
            place = str(self.folder / "lake" / table.path)
            if not table.name.startswith("bronze.") and DeltaTable.is_deltatable(place):
                tables[table.name] = sorted(map(repr, pl.read_delta(place).rows()))
        blobs = {
            path.relative_to(self.folder).as_posix(): _figures(json.loads(path.read_bytes()))
            for path in (self.folder / "rollups").rglob("*/*/*.json")
        }
        store = SqliteDocuments(str(self.folder / "documents.db"))
        tenants = sorted({path.name for path in (self.folder / "rollups").iterdir() if path.is_dir()})
        documents = {t: [_figures(d) for d in store.between("listening", t, "", "~")] for t in tenants}
        bronze = pl.read_delta(str(self.folder / "lake" / "bronze" / "haproxy"))
        files = bronze.filter(pl.col("row_kind") == "file").select("path", "content_hash", "line_count")
        return {**tables, "files": sorted(files.rows()), "blobs": blobs, "documents": documents}


def _figures(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in _OF_A_RUN}


def _step(log: str) -> str:
    """The last step that a run told of before it was killed."""
    steps = [name for row in log.splitlines() for words, name in _STEPS.items() if words in row]
    return steps[-1] if steps else "start"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    root = options.folder or Path(tempfile.mkdtemp(prefix="kill-loop-"))
    corpus = root / "corpus"
    generate(Plan(days=options.days, sessions_per_day=60, clients=40, mean_minutes=3), corpus)
    files = sorted((corpus / "landing").rglob("*.gz"))
    clean, killed = (Lake(root / name, corpus) for name in ("clean", "killed"))
    clean.take(files)
    whole = clean.run()
    print(f"{len(files)} files; a clean run takes {whole:.1f} s; seed {options.seed}")
    draws = random.Random(options.seed)
    for number in range(options.kills):
        share = slice(number * len(files) // options.kills, (number + 1) * len(files) // options.kills)
        killed.take(files[share])
        if number % 2:
            killed.kill(draws.uniform(0, 5))
        else:
            killed.kill(draws.uniform(0, 1), _AWAITED[number // 2 % len(_AWAITED)])
    killed.run()
    print("killed in: " + ", ".join(f"{step} {count}" for step, count in killed.killed_in.most_common()))
    expected, actual = clean.state(), killed.state()
    different = [name for name in expected if expected[name] != actual[name]]
    print(f"{len(expected)} things compared; different: {', '.join(different) or 'none'}; all lies in {root}")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
