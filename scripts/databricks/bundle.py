#!/usr/bin/env python3
"""Writes resources/jobs.yml, the jobs of the Databricks bundle, from conf/schedule.yaml: a job there is a job here."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml
from cronsim import CronSim

from metrics_lake.config.schedule import Job, Plan, load_plan

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT / "resources" / "jobs.yml"
HEADER = """\
# The jobs of the bundle, made from conf/schedule.yaml by scripts/databricks/bundle.py: change those, not this.
"""
EXTRAS = ("lake", "azure", "google")  # of the wheel, which Databricks installs without any; Spark is there
MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS = range(60), range(24), range(1, 32), range(1, 13), range(7)


def quartz(cron: str) -> str:
    """A time of cron in Quartz's words: seconds before it, days of the week from 1 (Sunday), `?` in one field of days.

    Raises ValueError for what Quartz can't say: days of the month and of the week together, and the L and # of cron.
    """
    parsed = CronSim(cron, datetime(2001, 1, 1, tzinfo=timezone.utc))
    if not all(isinstance(number, int) and number >= 0 for number in (*parsed.days, *parsed.weekdays)):
        raise ValueError(f"{cron!r}: L and # don't exist in Quartz; write plain days")
    weekdays = {int(str(weekday)) % 7 for weekday in parsed.weekdays}  # 7 is Sunday too
    days = parsed.days
    if not parsed.day_and and (days == set(DAYS) or weekdays == set(WEEKDAYS)):
        days, weekdays = set(DAYS), set(WEEKDAYS)  # without a star either serves, and one of them always does
    any_day, any_weekday = days == set(DAYS), weekdays == set(WEEKDAYS)
    if not any_day and not any_weekday:
        raise ValueError(f"{cron!r}: Quartz takes days of the month or days of the week, not both; make two jobs")
    day = _listed(days, DAYS) if any_weekday else "?"
    weekday = "?" if any_weekday else _listed({weekday + 1 for weekday in weekdays}, range(1, 8))
    times = (_listed(parsed.minutes, MINUTES), _listed(parsed.hours, HOURS))
    return " ".join(("0", *times, day, _listed(parsed.months, MONTHS), weekday))


def _listed(numbers: Iterable[int], all_of: range) -> str:
    ordered = sorted(set(numbers))
    return "*" if ordered == list(all_of) else ",".join(map(str, ordered))


def jobs(plan: Plan) -> dict[str, Any]:
    """The plan's jobs, and one that runs the first of them as soon as logs have come."""
    first = next(iter(plan.jobs))
    return {**{name: _scheduled(name, job, plan.timezone) for name, job in plan.jobs.items()}, **_on_arrival(first)}


def _scheduled(name: str, job: Job, zone: str) -> dict[str, Any]:
    return {
        "name": f"metrics-lake {name}",
        "schedule": {
            "quartz_cron_expression": quartz(job.cron),
            "timezone_id": zone,
            "pause_status": "PAUSED" if job.paused else "UNPAUSED",
        },
        "max_concurrent_runs": 1,
        "queue": {"enabled": False},  # what is missed is missed, as with `metrics-lake schedule`
        "job_clusters": [{"job_cluster_key": "cluster", "new_cluster": "${var.cluster}"}],
        "tasks": [
            {
                "task_key": name,
                "job_cluster_key": "cluster",
                "libraries": libraries(),
                "python_wheel_task": {
                    "package_name": "metrics_lake",
                    "entry_point": "metrics-lake",
                    "parameters": [*job.words, "--conf", "${workspace.file_path}/conf", "--env", "${var.environment}"],
                },
            }
        ],
    }


def libraries() -> list[dict[str, Any]]:
    """The wheel, and the packages of its extras that the runtime may lack, as pyproject.toml asks for them."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages = dict.fromkeys(package for extra in EXTRAS for package in extras[extra])
    return [{"whl": "../dist/*.whl"}, *({"pypi": {"package": package}} for package in packages)]


def _on_arrival(first: str) -> dict[str, Any]:
    """A job has one trigger, so arrival is a job of its own, which starts the other: never two of that at once."""
    arrival = {
        "url": "${var.arrivals}",
        "min_time_between_triggers_seconds": 600,
        "wait_after_last_change_seconds": 120,
    }
    job = {
        "name": f"metrics-lake {first} on arrival",
        "trigger": {"file_arrival": arrival, "pause_status": "UNPAUSED"},
        "max_concurrent_runs": 1,
        "queue": {"enabled": False},
        "tasks": [{"task_key": first, "run_job_task": {"job_id": f"${{resources.jobs.{first}.id}}"}}],
    }
    return {f"{first}-on-arrival": job}


def rendered(plan: Plan) -> str:
    """The whole file."""
    return HEADER + yaml.safe_dump({"resources": {"jobs": jobs(plan)}}, sort_keys=False, width=120)


def main() -> int:
    try:
        text = rendered(load_plan(str(ROOT / "conf")))
    except Exception as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    JOBS.parent.mkdir(exist_ok=True)
    JOBS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
