"""`conf/schedule.yaml`: which command runs when, as cron expressions on one clock; and when each comes next."""

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

_ANY_DAY = datetime(2001, 1, 1, tzinfo=timezone.utc)


def _cron(text: str) -> str:
    try:
        if len(text.split()) != 5:
            raise CronSimError("it has five fields")
        next(CronSim(text, _ANY_DAY))
    except CronSimError as error:
        raise ValueError(
            f"{text!r} is no time of cron ({error}); write minute, hour, day of month, month and day of week, such as "
            "'20 * * * *'"
        ) from None
    except StopIteration:
        raise ValueError(f"{text!r} never comes") from None
    return text


def _words(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError(f"{text!r} has a quote that doesn't end") from None
    if not words:
        raise ValueError("name a command of metrics-lake, such as run")
    return text


class Job(Strict):
    """One command and its times. A paused job stands in the plan and doesn't run."""

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
class Beat:
    """One time of one job. `at` is in UTC: only so do times compare on days when the clock is put back."""

    at: datetime
    name: str


def load_plan(conf: str) -> Plan:
    """The plan in a folder of settings; SettingsError names the place of whatever is wrong in it."""
    file = Path(conf) / "schedule.yaml"
    if not file.is_file():
        raise SettingsError(f"no plan {file}; write one as docs/schedule.md says, or name its folder with --conf")
    return validated(Plan, checked(Plan, read_yaml(file), file.as_posix()), file.as_posix())


def next_at(plan: Plan, name: str, after: datetime) -> datetime:
    """When a job comes next after an instant, in UTC.

    As Debian's cron has it where the clock changes: a time of day that is left out comes at the change, one that comes
    twice is taken once; what runs every hour runs every hour.
    """
    local = after.astimezone(ZoneInfo(plan.timezone))
    # In the second of two equal hours the first time it names may lie an hour back.
    times = (at.astimezone(timezone.utc) for at in CronSim(plan.jobs[name].cron, local))
    return next(at for at in times if at > after)


def earliest(due: dict[str, datetime]) -> Beat:
    """Whose turn it is, of job job's next time; of equals the first."""
    name = min(due, key=due.__getitem__)
    return Beat(due[name], name)
