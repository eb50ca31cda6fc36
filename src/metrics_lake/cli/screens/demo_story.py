"""The demo: a generated week of three tenants, the main job over it, and a comparison with the known truth."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from metrics_lake.cli.options import SettingsChoice
from metrics_lake.cli.output.layout import Column, from_rows, table
from metrics_lake.cli.output.progress import Steps
from metrics_lake.cli.screens.country_note import COUNTRIES_REMEDY
from metrics_lake.cli.screens.listening_answer import ask, chart, clock_words, on_clock
from metrics_lake.cli.time_range import TimeRange
from metrics_lake.config.paths import home_of
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.demo.traffic import Plan, generate
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run
from metrics_lake.serve.query import Answer

_MARK = ".metrics-lake-demo"
_FIGURES = ("total_sessions", "unique_listeners", "peak_listeners", "sessions_active", "sessions_completed")
_SECONDS = 0.001  # of listening, relative


@dataclass(frozen=True)
class Story:
    """The result of a demo, and where its files are."""

    settings: Settings
    lines: int
    answers: list[Answer]
    compared: int
    differences: list[str]

    @property
    def is_true(self) -> bool:
        return not self.differences

    def write(self, console: Console) -> None:
        console.print(table(_summary(self.answers), console.width))
        for answer in self.answers:
            title = f": listeners at once, by hour of {clock_words(answer)}"
            console.print(Text.assemble("\n", (answer.tenant, "bold"), title))
            console.print(chart(answer, console.width) or "")
        console.print(f"\n{_verdict(self)}", style="green" if self.is_true else "red")
        console.print(_where_next(self), soft_wrap=True)


def demo(folder: str, choice: SettingsChoice, steps: Steps) -> Story:
    """Generates the week in `folder`, runs every job over it, and compares the figures."""
    home = home_of(choice.load().conf)
    root = _emptied(Path(folder) if home == Path.cwd() else Path(folder).absolute())
    today = datetime.now(timezone.utc).date()
    steps.step("making a week of logs")
    truth = generate(Plan(first_day=today - timedelta(days=7)), root)
    own = {
        "storage.landing": root / "landing",
        "storage.lake": root / "lake",
        "storage.rollups": root / "rollups",
        "documents.store": "sqlite",
        "documents.path": root / "documents.db",
        "privacy.secret_file": root / "secret",
        "tenants": (root / "tenants.yaml").resolve(),
    }
    settings = replace(choice, overrides=(*(f"{key}={value}" for key, value in own.items()), *choice.overrides)).load()
    work = JobContext.create(settings, steps.step)
    with work.lock("demo"):
        run(work, steps.ingested)
    steps.step("comparing with the truth")
    days = sorted({date.fromisoformat(day) for tenant_truth in truth.tenants.values() for day in tenant_truth["days"]})
    answers = [ask(settings, tenant, ("*",), TimeRange(days[0], days[-1]), "hour") for tenant in truth.tenants]
    compared, differences = compare(settings, truth.tenants)
    return Story(settings, truth.line_count, answers, compared, differences)


def _emptied(root: Path) -> Path:
    """Empties the folder of the demo. Raises SettingsError if it has files that no demo wrote."""
    if root.exists() and any(root.iterdir()):
        if not (root / _MARK).exists():
            raise SettingsError(f"{root} holds something that is no demo; name another folder with --folder")
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / _MARK).write_text("made by `metrics-lake demo`, which empties this folder each time\n")
    return root


def compare(settings: Settings, tenants: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many figures were compared with the truth, and the names of those that differ."""
    compared, differences = 0, []
    for tenant, tenant_truth in tenants.items():
        for day, streams in tenant_truth["days"].items():
            for stream, expected in streams.items():
                on = date.fromisoformat(day)
                total = ask(settings, tenant, (stream,), TimeRange(on, on), "day").total
                actual = {**total, "unique_listeners": total["unique_listeners"]["value"]}
                wrong = [name for name in _FIGURES if actual[name] != expected[name]]
                if (
                    abs(actual["total_hours"] * 3600 - expected["listening_seconds"])
                    > _SECONDS * expected["listening_seconds"]
                ):
                    wrong.append("listening_seconds")
                compared += len(_FIGURES) + 1
                differences += [f"{tenant} {stream} {day}: {name}" for name in wrong]
    return compared, differences


def _summary(answers: list[Answer]) -> list[Column]:
    rows = [
        (
            answer.tenant, f"{total['total_sessions']:,}", f"{total['total_hours']:,.1f}",
            f"{total['unique_listeners']['value']:,}", f"{total['peak_listeners']:,}", on_clock(answer, total),
            f"{sum(answer.excluded.values()):,}", answer.timezone,
        )
        for answer in answers for total in (answer.total,)
    ]  # fmt: skip
    return from_rows(("tenant", "sessions", "hours", "unique", "peak", "at", "not counted", "clock"), rows, ("clock",))


def _verdict(story: Story) -> str:
    if story.is_true:
        return f"{story.compared:,} figures of {story.lines:,} log lines equal the truth they were made from."
    shown = "; ".join(story.differences[:5])
    return f"{len(story.differences):,} of {story.compared:,} figures differ from the truth: {shown}"


def _countries(file: str) -> str:
    return f"by {file}" if file else f"unknown: `.venv/bin/{COUNTRIES_REMEDY}` brings a free file, then make demo again"


def _where_next(story: Story) -> str:
    storage, first = story.settings.storage, story.answers[0]
    countries = _countries(story.settings.places.in_use.country_file)
    common, days = f"--set storage.lake={storage.lake}", first.words.replace(" to ", " --to ")
    return (
        f"\nlogs       {storage.landing}\nlake       {storage.lake}\nrollups    {storage.rollups} (JSON for frontends)\n"
        f"documents  {story.settings.documents.path}\ncountries  {countries}\n\nlook next:\n"
        f"  .venv/bin/metrics-lake show gold.listening_by_day {common}\n"
        f"  .venv/bin/metrics-lake listening --tenant {first.tenant} --from {days} --by day "
        f"--set documents.path={story.settings.documents.path} --set tenants={story.settings.tenants}"
    )
