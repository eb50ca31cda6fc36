"""The scheduler: runs jobs at their times, one after another, and skips missed runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics_lake.config.schedule import Plan, ScheduledRun, earliest, next_at

LATE = timedelta(minutes=2)  # later than this means that the machine was asleep or that its clock was set


@dataclass(frozen=True)
class Machine:
    """What the scheduler needs of the machine. `run` returns the exit code of a job, `report` writes a line for people."""

    now: Callable[[], datetime]
    sleep_until: Callable[[datetime], None]
    run: Callable[[str], int]
    report: Callable[[str], None]


def follow(plan: Plan, machine: Machine, line: Callable[[ScheduledRun], str], times: int | None = None) -> None:
    """Runs the plan forever, or only `times` jobs.

    If the time of a job comes while another job runs, it runs once when that has ended, however many times passed. Times
    of the running job itself are missed, and so are all times that pass while the machine sleeps.
    """
    began = machine.now()
    due = {name: next_at(plan, name, began) for name in plan.running}
    while times is None or times > 0:
        scheduled = earliest(due)
        if scheduled.at > machine.now():
            machine.report(f"next: {line(scheduled)}")
            machine.sleep_until(scheduled.at)
            if machine.now() - scheduled.at > LATE:
                _skip_missed(plan, machine, due)
                continue
        _run(plan, machine, scheduled)
        due[scheduled.name] = next_at(plan, scheduled.name, machine.now())
        times = None if times is None else times - 1


def _run(plan: Plan, machine: Machine, scheduled: ScheduledRun) -> None:
    code = machine.run(scheduled.name)
    if code:
        machine.report(f"{scheduled.name} failed (exit code {code}); the schedule goes on")
    if missed := _count_times(plan, scheduled.name, scheduled.at, machine.now()):
        machine.report(f"{scheduled.name}: {missed} more of its times passed meanwhile: not run")


def _skip_missed(plan: Plan, machine: Machine, due: dict[str, datetime]) -> None:
    """Moves each job whose time has passed to its next time."""
    now = machine.now()
    for name in [name for name, at in due.items() if at <= now]:
        missed = 1 + _count_times(plan, name, due[name], now)
        machine.report(f"{name}: {missed} of its times passed while the machine slept: not run")
        due[name] = next_at(plan, name, now)


def _count_times(plan: Plan, name: str, after: datetime, until: datetime) -> int:
    """How many times of a job are between two instants, the second included."""
    number, at = 0, next_at(plan, name, after)
    while at <= until:
        number, at = number + 1, next_at(plan, name, at)
    return number
