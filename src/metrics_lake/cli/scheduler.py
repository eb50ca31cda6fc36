"""Jobs by the clock, one at a time: each is run at its times, and what is missed is passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics_lake.schedule import Beat, Plan, earliest, next_at

LATE = timedelta(minutes=2)  # a machine that woke up later than this was asleep, or its clock was set


@dataclass(frozen=True)
class World:
    """What the schedule asks of the machine. `run` gives how the job ended, `tell` is for people."""

    now: Callable[[], datetime]
    sleep_until: Callable[[datetime], None]
    run: Callable[[str], int]
    tell: Callable[[str], None]


def follow(plan: Plan, world: World, shown: Callable[[Beat], str], times: int | None = None) -> None:
    """Runs the plan without end, or `times` jobs of it.

    A time that comes while another job runs waits until that has ended, once, however many there were. Times of the job
    itself that pass while it runs, and all that pass while the machine sleeps, are missed.
    """
    began = world.now()
    due = {name: next_at(plan, name, began) for name in plan.running}
    while times is None or times > 0:
        beat = earliest(due)
        if beat.at > world.now():
            world.tell(f"next: {shown(beat)}")
            world.sleep_until(beat.at)
            if world.now() - beat.at > LATE:
                _pass_over(plan, world, due)
                continue
        _run(plan, world, beat)
        due[beat.name] = next_at(plan, beat.name, world.now())
        times = None if times is None else times - 1


def _run(plan: Plan, world: World, beat: Beat) -> None:
    code = world.run(beat.name)
    if code:
        world.tell(f"{beat.name} failed (exit code {code}); the schedule goes on")
    if missed := _number(plan, beat.name, beat.at, world.now()):
        world.tell(f"{beat.name}: {missed} more of its times passed meanwhile: not run")


def _pass_over(plan: Plan, world: World, due: dict[str, datetime]) -> None:
    """Every job whose time has passed waits for its next one."""
    now = world.now()
    for name in [name for name, at in due.items() if at <= now]:
        missed = 1 + _number(plan, name, due[name], now)
        world.tell(f"{name}: {missed} of its times passed while the machine slept: not run")
        due[name] = next_at(plan, name, now)


def _number(plan: Plan, name: str, after: datetime, until: datetime) -> int:
    """How many times of a job lie between two instants, the second included."""
    number, at = 0, next_at(plan, name, after)
    while at <= until:
        number, at = number + 1, next_at(plan, name, at)
    return number
