"""The plan by the clock: whose turn it is, what is passed over, and how it stops. Time is told here, never waited for."""

from __future__ import annotations

from datetime import datetime, timedelta

from metrics_lake.cli import scheduler
from metrics_lake.config.schedule import Job, Plan
from tests.unit.drawing import utc

HOURLY, DAILY = Job(cron="20 * * * *", command="run"), Job(cron="25 * * * *", command="upkeep")


class Told:
    """A machine whose clock moves when something takes time: a job its minutes, a sleep until its end or longer."""

    def __init__(self, at: str, minutes: dict[str, list[int]], oversleeps: dict[str, int] | None = None, code: int = 0):
        self.at, self.minutes, self.oversleeps, self.code = utc(at), minutes, oversleeps or {}, code
        self.ran: list[str] = []
        self.said: list[str] = []
        self.machine = scheduler.Machine(lambda: self.at, self.sleep, self.run, self.said.append)

    def sleep(self, until: datetime) -> None:
        self.at = until + timedelta(minutes=self.oversleeps.pop(f"{until:%H:%M}", 0))

    def run(self, name: str) -> int:
        self.ran.append(f"{self.at:%d %H:%M} {name}")
        self.at += timedelta(minutes=self.minutes.get(name, [1]).pop(0) if self.minutes.get(name) else 1)
        return self.code


def follow(told: Told, times: int, **jobs: Job) -> list[str]:
    scheduler.follow(Plan(jobs=jobs), told.machine, lambda scheduled: f"{scheduled.at:%H:%M} {scheduled.name}", times)
    return told.ran


def test_each_job_runs_at_its_times_and_what_comes_next_is_told():
    told = Told("2001-01-15 16:00", {})
    assert follow(told, 3, run=HOURLY, upkeep=DAILY) == ["15 16:20 run", "15 16:25 upkeep", "15 17:20 run"]
    assert told.said == ["next: 16:20 run", "next: 16:25 upkeep", "next: 17:20 run"]


def test_nothing_is_caught_up_at_the_start():
    assert follow(Told("2001-01-15 16:21", {}), 1, run=HOURLY) == ["15 17:20 run"]


def test_a_job_that_takes_longer_than_its_hour_misses_times_and_runs_at_the_next():
    told = Told("2001-01-15 16:00", {"run": [130]})
    assert follow(told, 2, run=HOURLY) == ["15 16:20 run", "15 19:20 run"]
    assert "run: 2 more of its times passed meanwhile: not run" in told.said


def test_a_job_whose_time_comes_while_another_runs_has_its_turn_once_when_that_has_ended():
    told = Told("2001-01-15 16:00", {"run": [130]})
    assert follow(told, 3, run=HOURLY, upkeep=DAILY) == ["15 16:20 run", "15 18:30 upkeep", "15 19:20 run"]
    assert "upkeep: 2 more of its times passed meanwhile: not run" in told.said


def test_two_jobs_at_one_time_run_one_after_the_other():
    told = Told("2001-01-15 16:00", {"a": [10]})
    assert follow(told, 3, a=HOURLY, b=HOURLY) == ["15 16:20 a", "15 16:30 b", "15 17:20 a"]


def test_times_that_pass_while_the_machine_sleeps_are_passed_over():
    told = Told("2001-01-15 16:00", {}, oversleeps={"16:20": 8 * 60})
    assert follow(told, 2, run=HOURLY, upkeep=DAILY) == ["16 00:25 upkeep", "16 01:20 run"]
    assert "run: 9 of its times passed while the machine slept: not run" in told.said
    assert "upkeep: 8 of its times passed while the machine slept: not run" in told.said


def test_a_wake_up_that_is_a_little_late_misses_nothing():
    assert follow(Told("2001-01-15 16:00", {}, oversleeps={"16:20": 1}), 1, run=HOURLY) == ["15 16:21 run"]


def test_a_job_that_fails_is_told_in_a_line_and_the_schedule_goes_on():
    told = Told("2001-01-15 16:00", {}, code=1)
    assert len(follow(told, 2, run=HOURLY)) == 2
    assert told.said.count("run failed (exit code 1); the schedule goes on") == 2


def test_a_job_that_is_paused_never_has_a_turn():
    paused = Job(cron="21 * * * *", command="upkeep", paused=True)
    assert follow(Told("2001-01-15 16:00", {}), 2, run=HOURLY, upkeep=paused) == ["15 16:20 run", "15 17:20 run"]
