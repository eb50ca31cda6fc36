"""`conf/schedule.yaml`: the commands and their times, as cron expressions in one time zone; and the next time of each."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from metrics_lake.config.loading import SettingsError, checked, read_yaml, validated
from metrics_lake.config.tenants import Slug, Strict, Zone

_PROGRAM = "metrics-lake"
_NICKNAMES = {  # of crontab(5); @reboot has no time
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ANY_DAY = datetime(2001, 1, 1, tzinfo=timezone.utc)


def _cron(text: str) -> str:
    """The five fields, of a nickname too."""
    text = _NICKNAMES.get(text.strip().lower(), text)
    try:
        if len(text.split()) != 5:
            raise CronSimError("it has five fields")
        next(CronSim(text, _ANY_DAY))
    except CronSimError as error:
        raise ValueError(
            f"{text!r} is no time of cron ({error}); write minute, hour, day of month, month and day of week, such as "
            "'20 * * * *', or @hourly, @daily, @weekly, @monthly, @yearly"
        ) from None
    except StopIteration:
        raise ValueError(f"{text!r} never comes") from None
    return text


def _words(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError(f"{text!r} has a quote that doesn't end") from None
    command = words[1:] if words and Path(words[0]).name == _PROGRAM else words
    if not command:
        raise ValueError("name a command of metrics-lake, such as run")
    return shlex.join(command)


class Job(Strict):
    """One command, without the program's name, and its times. A paused job stays in the plan and doesn't run."""

    cron: Annotated[str, AfterValidator(_cron)]
    command: Annotated[str, AfterValidator(_words)]
    paused: bool = False

    @property
    def words(self) -> list[str]:
        """The command line behind `metrics-lake`."""
        return shlex.split(self.command)


class Plan(Strict):
    """The whole file."""

    timezone: Zone = "UTC"
    jobs: Annotated[dict[Slug, Job], Field(min_length=1)]

    @property
    def running(self) -> list[str]:
        """The names of the jobs that are not paused, as the file has them."""
        return [name for name, job in self.jobs.items() if not job.paused]


@dataclass(frozen=True)
class ScheduledRun:
    """One time of one job. `at` is in UTC, as local times can't be compared on the day on which the clock is put back."""

    at: datetime
    name: str


def load_plan(conf: str) -> Plan:
    """The plan in a folder of settings; SettingsError names the place of whatever is wrong in it."""
    file = Path(conf) / "schedule.yaml"
    if not file.is_file():
        raise SettingsError(f"no plan {file}; write one as docs/schedule.md says, or name its folder with --conf")
    return validated(Plan, checked(Plan, read_yaml(file), file.as_posix()), file.as_posix())


def next_at(plan: Plan, name: str, after: datetime) -> datetime:
    """The next time of a job after an instant, in UTC.

    Where the clock changes, as in Debian's cron: a skipped time of day runs at the change, a repeated one runs once, and an
    hourly job runs every hour.
    """
    local = after.astimezone(ZoneInfo(plan.timezone))
    # In the second of two equal hours the first time it names may lie an hour back.
    times = (at.astimezone(timezone.utc) for at in CronSim(plan.jobs[name].cron, local))
    return next(at for at in times if at > after)


def earliest(due: dict[str, datetime]) -> ScheduledRun:
    """The next run of all jobs, from the next time of each job; the first job where times are equal."""
    name = min(due, key=due.__getitem__)
    return ScheduledRun(due[name], name)
