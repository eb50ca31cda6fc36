"""`metrics-lake schedule`: the plan of conf/schedule.yaml on this machine, each job as a process of its own."""

from __future__ import annotations

import contextlib
import difflib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from types import FrameType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.scheduler import World, follow
from metrics_lake.schedule import Beat, Plan, load_plan, next_at
from metrics_lake.settings import SettingsError

_LONGEST_SLEEP = 30.0  # seconds: then the clock is read again, so that a machine that slept or was set is noticed
_PATIENCE = 120.0  # seconds that a stopped job may take to end by itself
_TERMINATED = 128 + signal.SIGTERM


def register(app: typer.Typer) -> None:
    app.command()(schedule)


@takes_settings
def schedule(
    choice: SettingsChoice,
    context: typer.Context,
    list_: Annotated[bool, typer.Option("--list", help="Only tell when each job comes next, and end")] = False,
) -> None:
    """Runs the jobs of conf/schedule.yaml at their times, one at a time, until it is stopped. Missed times are passed over."""
    settings = choice.load()
    plan = load_plan(settings.conf)
    _check_commands(plan, settings.conf, context.find_root().command)
    if list_:
        return _list(plan, Console())
    if not plan.running:
        raise SettingsError(f"{settings.conf}/schedule.yaml: every job is paused: there is nothing to wait for")
    world = World(_now, _sleep_until, lambda name: _run([*plan.jobs[name].words, *choice.words]), _telling(plan))
    with _terminable():
        follow(plan, world, lambda beat: _shown(plan, beat))


def _list(plan: Plan, console: Console) -> None:
    due = [Beat(next_at(plan, name, _now()), name) for name in plan.running]
    for beat in sorted(due, key=lambda each: each.at):
        console.print(_shown(plan, beat), highlight=False)
    for name in [each for each, job in plan.jobs.items() if job.paused]:
        console.print(f"{'paused':20}  {name}: metrics-lake {plan.jobs[name].command}", highlight=False)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _shown(plan: Plan, beat: Beat) -> str:
    at = beat.at.astimezone(ZoneInfo(plan.timezone))
    return f"{at:%Y-%m-%d %H:%M %Z}  {beat.name}: metrics-lake {plan.jobs[beat.name].command}"


def _telling(plan: Plan) -> Callable[[str], None]:
    console, zone = Console(stderr=True), ZoneInfo(plan.timezone)
    return lambda text: console.print(f"{_now().astimezone(zone):%Y-%m-%d %H:%M:%S}  {text}", highlight=False)


def _sleep_until(at: datetime) -> None:
    while (left := (at - _now()) / timedelta(seconds=1)) > 0:
        time.sleep(min(left, _LONGEST_SLEEP))


def _run(words: list[str]) -> int:
    """A command in a process of its own, whose memory goes with it; told of a stop by us alone, and waited for."""
    process = subprocess.Popen([sys.executable, "-m", "metrics_lake.cli", *words], start_new_session=True)
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Within it SIGTERM stops as Ctrl-C does, with 143 for 130; and Ctrl-C also where a shell's & has it ignored, in jobs too."""

    def stop(signal_: int, frame: FrameType | None) -> None:
        sys.stderr.write("stopped\n")
        sys.exit(_TERMINATED)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _check_commands(plan: Plan, conf: str, root: Any) -> None:
    """SettingsError if a job's command line is not one that the root command accepts."""
    for name, job in plan.jobs.items():
        if problem := _problem(root, job.words):
            raise SettingsError(f"{conf}/schedule.yaml: jobs.{name}.command: {problem}")


def _problem(command: Any, words: list[str]) -> str | None:
    """What is wrong with a command line, walked from group to command; None if nothing is."""
    while commands := getattr(command, "commands", None):
        word, words = (words or [""])[0], words[1:]
        if word not in commands or word == schedule.__name__:
            near = difflib.get_close_matches(word, [each for each in commands if each != schedule.__name__], 1, 0.0)
            return f"{word!r} can't be scheduled; nearest: {near[0]}"
        command = commands[word]
    try:
        command.make_context(command.name, words)
    except Exception as error:  # of classes that differ between versions of Typer
        return str(getattr(error, "message", error)) or type(error).__name__
    return None
