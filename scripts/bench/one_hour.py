"""What one new hour costs on a lake of 90 days, beside the same on a lake of 9 days (aim: at most 1.15 times).

Both lakes are of the same station, the small one of its last days; each gets the same next hour, turn by turn, and what
`metrics-lake run` takes and writes is measured. Of a file that was there before, those pages of 4 KiB count that differ: of
documents.db SQLite rewrites a few. Run from the project's root:
    .venv/bin/python scripts/bench/one_hour.py [--days 9 90] [--sessions 300] [--turns 3] [--folder DIR]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from machine import measure

from metrics_lake.demo.traffic import Plan, generate, landing_path
from metrics_lake.demo.traffic_plan import HOUR_MS

PAGE = 4096
Turn = tuple[float, float, Counter[str]]


@dataclass
class Side:
    """A lake of the last so many days of a corpus, whose last hour hasn't landed yet."""

    days: int
    folder: Path

    def prepare(self, corpus: Path, plan: Plan) -> None:
        for hour in range(24 * self.days):
            path = landing_path(plan.ends_ms - hour * HOUR_MS)
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(corpus / path, self.folder / path)
        shutil.copy(corpus / "tenants.yaml", self.folder)
        self.last = self.folder / landing_path(plan.ends_ms)
        self.last.rename(self.folder / self.last.name)
        measure(self._run(), self.folder / "first.log")
        shutil.copytree(self.folder / "lake", self.folder / "kept")

    def turn(self) -> Turn:
        """Seconds, CPU seconds, and bytes written by kind of file, of a run over the new hour on the lake as it was."""
        lake = self.folder / "lake"  # always in one place: who publishes to another place publishes all of it
        shutil.rmtree(lake)
        shutil.copytree(self.folder / "kept", lake)
        shutil.copy(self.folder / self.last.name, self.last)
        before = time.time()
        measured = measure(self._run(), self.folder / "turn.log")
        written = Counter[str]()
        for path in lake.rglob("*"):
            if path.is_file() and path.stat().st_mtime >= before:
                at = path.relative_to(lake)
                written[at.parts[0]] += differing_bytes(path, self.folder / "kept" / at)
        self.last.unlink()
        return measured.seconds, measured.cpu_seconds, written

    def _run(self) -> list[str]:
        lake = self.folder / "lake"
        places = {
            "storage.landing": self.folder / "landing", "storage.lake": lake / "lake",
            "storage.rollups": lake / "rollups", "documents.path": lake / "documents.db",
            "privacy.secret_file": self.folder / "secret", "tenants": (self.folder / "tenants.yaml").resolve(),
        }  # fmt: skip
        options = [part for key, value in places.items() for part in ("--set", f"{key}={value}")]
        return [sys.executable, "-m", "metrics_lake.cli", "run", *options]


def differing_bytes(new: Path, old: Path) -> int:
    """How much of a file is in other pages than those that it had before."""
    if not old.exists():
        return new.stat().st_size
    with new.open("rb") as now, old.open("rb") as then:
        pages = iter(lambda: now.read(PAGE), b"")
        return sum(len(page) for page in pages if page != then.read(PAGE))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--days", type=int, nargs=2, default=[9, 90])
    options.add_argument("--sessions", type=int, default=300, help="a day, of all tenants")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where to work; else a temporary folder, deleted at the end")
    chosen = options.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="one-hour-"))
    sides = [Side(days, folder / f"days-{days}") for days in chosen.days]
    plan = Plan(days=max(chosen.days), sessions_per_day=chosen.sessions, clients=chosen.sessions * 2)
    generate(plan, folder / "corpus")
    for side in sides:
        print(f"making a lake of {side.days} days", flush=True)
        side.prepare(folder / "corpus", plan)
    turns_by_days: dict[int, list[Turn]] = {side.days: [] for side in sides}
    for _ in range(chosen.turns):
        for side in sides:
            turns_by_days[side.days].append(side.turn())
    medians = {
        days: [statistics.median(turn[at] for turn in turns) for at in (0, 1)] for days, turns in turns_by_days.items()
    }
    for days, (seconds, cpu) in medians.items():
        written = turns_by_days[days][-1][2]
        kinds = ", ".join(f"{number:,} of {kind}" for kind, number in sorted(written.items()))
        print(f"{days:4} days: {seconds:6.2f} s, {cpu:6.2f} CPU s, {written.total():,} bytes written ({kinds})")
        print(f"{'':10} CPU s of each turn: {', '.join(f'{turn[1]:.2f}' for turn in turns_by_days[days])}")
    few, many = (medians[days] for days in chosen.days)
    print(f"ratio: {many[0] / few[0]:.2f} in seconds, {many[1] / few[1]:.2f} in CPU seconds; aim: at most 1.15")
    if not chosen.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
