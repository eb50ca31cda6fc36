"""`metrics-lake schedule`: runs the jobs of conf/schedule.yaml on this machine, each in its own process."""

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
from metrics_lake.cli.output.consoles import console
from metrics_lake.cli.scheduler import Machine, follow
from metrics_lake.config.schedule import Plan, ScheduledRun, load_plan, next_at
from metrics_lake.config.settings import SettingsError

_LONGEST_SLEEP = 30.0  # seconds: then it reads the clock again, to notice that the machine slept or its clock was set
_PATIENCE = 120.0  # seconds that a stopped job has to end by itself
_TERMINATED = 128 + signal.SIGTERM


def register(app: typer.Typer) -> None:
    app.command()(schedule)


@takes_settings
def schedule(
    choice: SettingsChoice,
    context: typer.Context,
    list_: Annotated[bool, typer.Option("--list", help="Show when each job runs next, and exit")] = False,
) -> None:
    """Run the jobs of conf/schedule.yaml at their times, one after another, until it is stopped. Missed runs are skipped."""
    settings = choice.load()
    plan = load_plan(settings.conf)
    _check_commands(plan, settings.conf, context.find_root().command)
    if list_:
        return _print_next(plan, console())
    if not plan.running:
        raise SettingsError(f"{settings.conf}/schedule.yaml: every job is paused: there is nothing to wait for")
    machine = Machine(_now, _sleep_until, lambda name: _run([*plan.jobs[name].words, *choice.words]), _writer(plan))
    with _terminable():
        follow(plan, machine, lambda scheduled: _line(plan, scheduled))


def _print_next(plan: Plan, screen: Console) -> None:
    due = [ScheduledRun(next_at(plan, name, _now()), name) for name in plan.running]
    for scheduled in sorted(due, key=lambda scheduled: scheduled.at):
        screen.print(_line(plan, scheduled))
    for name in [name for name, job in plan.jobs.items() if job.paused]:
        screen.print(f"{'paused':20}  {name}: metrics-lake {plan.jobs[name].command}")


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _line(plan: Plan, scheduled: ScheduledRun) -> str:
    at = scheduled.at.astimezone(ZoneInfo(plan.timezone))
    return f"{at:%Y-%m-%d %H:%M %Z}  {scheduled.name}: metrics-lake {plan.jobs[scheduled.name].command}"


def _writer(plan: Plan) -> Callable[[str], None]:
    screen, zone = console(stderr=True), ZoneInfo(plan.timezone)
    return lambda text: screen.print(f"{_now().astimezone(zone):%Y-%m-%d %H:%M:%S}  {text}")


def _sleep_until(at: datetime) -> None:
    while (left := (at - _now()) / timedelta(seconds=1)) > 0:
        time.sleep(min(left, _LONGEST_SLEEP))


def _run(words: list[str]) -> int:
    """Runs a command in its own process, so that its memory is freed at its end. A stop is passed on, and its end awaited."""
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
    """SIGTERM stops the block as Ctrl-C does, but with exit code 143. Ctrl-C works even if a shell's & made it ignored."""

    def stop(signal_: int, frame: FrameType | None) -> None:
        sys.stderr.write("stopped\n")
        sys.exit(_TERMINATED)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_commands(plan: Plan, conf: str, root: Any) -> None:
    """Raises SettingsError if the root command does not accept the command line of a job."""
    for name, job in plan.jobs.items():
        if problem := _problem(root, job.words):
            raise SettingsError(f"{conf}/schedule.yaml: jobs.{name}.command: {problem}")


def _problem(command: Any, words: list[str]) -> str | None:
    """What is wrong with a command line, checked word by word from group to command. None if it is right."""
    while commands := getattr(command, "commands", None):
        word, words = (words or [""])[0], words[1:]
        if word not in commands or word == schedule.__name__:
            near = difflib.get_close_matches(word, [name for name in commands if name != schedule.__name__], 1, 0.0)
            return f"{word!r} can't be scheduled; nearest: {near[0]}"
        command = commands[word]
    try:
        command.make_context(command.name, words)
    except Exception as error:  # of classes that differ between versions of Typer
        return str(getattr(error, "message", error)) or type(error).__name__
    return None
