"""What one new hour costs on a lake of 90 days, beside the same on a lake of 9 days (aim: at most 1.15 times).

Both lakes are of the same station; each gets its next hour, turn by turn, and what `metrics-lake run` takes and writes is
measured. A file counts as written whole, documents.db too, of which SQLite rewrites a few pages. Run from the project's root:
    .venv/bin/python scripts/bench/one_hour.py [--days 9 90] [--sessions 300] [--turns 3] [--folder DIR]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import measure

from metrics_lake.demo.traffic import Plan, generate


@dataclass
class Side:
    """A lake of so many days, whose last hour hasn't landed yet."""

    days: int
    folder: Path

    def prepare(self, sessions: int) -> None:
        generate(Plan(days=self.days, sessions_per_day=sessions, clients=sessions * 2), self.folder / "corpus")
        self.last = max((self.folder / "corpus" / "landing").rglob("*.gz"))
        self.last.rename(self.folder / self.last.name)
        measure(self._run(), self.folder / "first.log")
        shutil.copytree(self.folder / "lake", self.folder / "kept")

    def turn(self) -> tuple[float, float, int]:
        """Seconds, CPU seconds and bytes written of a run over the new hour, on the lake as it was."""
        lake = self.folder / "lake"  # always in one place: who publishes to another place publishes all of it
        shutil.rmtree(lake)
        shutil.copytree(self.folder / "kept", lake)
        shutil.copy(self.folder / self.last.name, self.last)
        before = time.time()
        measured = measure(self._run(), self.folder / "turn.log")
        written = sum(
            path.stat().st_size for path in lake.rglob("*") if path.is_file() and path.stat().st_mtime >= before
        )
        self.last.unlink()
        return measured.seconds, measured.cpu_seconds, written

    def _run(self) -> list[str]:
        lake = self.folder / "lake"
        places = {
            "storage.landing": self.folder / "corpus" / "landing", "storage.lake": lake / "lake",
            "storage.rollups": lake / "rollups", "documents.path": lake / "documents.db",
            "privacy.secret_file": self.folder / "secret", "tenants": (self.folder / "corpus" / "tenants.yaml").resolve(),
        }  # fmt: skip
        options = [part for key, value in places.items() for part in ("--set", f"{key}={value}")]
        return [sys.executable, "-m", "metrics_lake.cli", "run", *options]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--days", type=int, nargs=2, default=[9, 90])
    options.add_argument("--sessions", type=int, default=300, help="a day, of all tenants")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where to work; else a temporary folder, deleted at the end")
    chosen = options.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="one-hour-"))
    sides = [Side(days, folder / f"days-{days}") for days in chosen.days]
    for side in sides:
        side.folder.mkdir(parents=True)
        print(f"making a lake of {side.days} days", flush=True)
        side.prepare(chosen.sessions)
    found: dict[int, list[tuple[float, float, int]]] = {side.days: [] for side in sides}
    for _ in range(chosen.turns):
        for side in sides:
            found[side.days].append(side.turn())
    medians = {
        days: [statistics.median(column) for column in zip(*turns, strict=True)] for days, turns in found.items()
    }
    for days, (seconds, cpu, written) in medians.items():
        print(f"{days:4} days: {seconds:6.2f} s, {cpu:6.2f} CPU s, {written:,.0f} bytes written")
    few, many = (medians[days] for days in chosen.days)
    print(f"ratio: {many[0] / few[0]:.2f} in seconds, {many[1] / few[1]:.2f} in CPU seconds; aim: at most 1.15")
    if not chosen.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
