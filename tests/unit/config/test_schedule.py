"""When each job of the plan comes next, on days when the clock is changed too; and what may not stand in a plan."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.config.schedule import Job, Plan, ScheduledRun, earliest, load_plan, next_at
from metrics_lake.config.settings import SettingsError
from tests.unit.drawing import utc

ROOT = Path(__file__).parents[3]
BERLIN = "Europe/Berlin"


def times(cron: str, zone: str, after: str, number: int) -> list[str]:
    """The next times of a job in the hours and minutes of its zone, with the zone's offset."""
    plan, at, found = Plan(timezone=zone, jobs={"one": Job(cron=cron, command="run")}), utc(after), []
    for _ in range(number):
        at = next_at(plan, "one", at)
        found.append(at.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z"))
    return found


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("20 * * * *", "UTC", "2001-01-15 16:19", ["15 16:20 +0000", "15 17:20 +0000"]),
        ("20 * * * *", "UTC", "2001-01-15 16:20", ["15 17:20 +0000", "15 18:20 +0000"]),  # not the one that is now
        ("40 2 * * *", BERLIN, "2001-01-15 02:00", ["16 02:40 +0100", "17 02:40 +0100"]),
        ("50 3 * * 0", "UTC", "2001-01-15 00:00", ["21 03:50 +0000", "28 03:50 +0000"]),  # Sundays
        # the clock goes from 2:00 to 3:00
        ("30 2 * * *", BERLIN, "2001-03-24 12:00", ["25 03:00 +0200", "26 02:30 +0200"]),
        ("20 * * * *", BERLIN, "2001-03-25 00:00", ["25 01:20 +0100", "25 03:20 +0200"]),
        # the clock goes from 3:00 back to 2:00
        ("30 2 * * *", BERLIN, "2001-10-27 12:00", ["28 02:30 +0200", "29 02:30 +0100"]),
        ("30 2 * * *", BERLIN, "2001-10-28 01:10", ["29 02:30 +0100"]),  # it is 2:10 for the second time
        ("20 * * * *", BERLIN, "2001-10-28 00:00", ["28 02:20 +0200", "28 02:20 +0100", "28 03:20 +0100"]),
    ],
)  # fmt: skip
def test_a_job_comes_when_its_clock_says_also_on_days_when_that_changes(cron, zone, after, expected):
    assert times(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("0 6 * JAN mon", "0 6 * JAN mon"),
    ],
)
def test_times_are_written_as_crontab_has_them(written, meant):
    assert Job(cron=written, command="run").cron == meant


@pytest.mark.parametrize(
    "command", ["run --env azure", "metrics-lake run --env azure", "/srv/.venv/bin/metrics-lake run --env azure"]
)
def test_a_command_may_begin_with_the_name_of_the_program(command):
    assert Job(cron="@daily", command=command).words == ["run", "--env", "azure"]


def test_the_start_of_the_machine_is_no_time():
    with pytest.raises(ValueError, match="'@reboot' is no time of cron"):
        Job(cron="@reboot", command="run")


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2002, 1, 1), timezones=st.just(timezone.utc)),
    st.sampled_from(["20 * * * *", "30 2 * * *", "*/7 * * * *", "0 3 * * 0", "15 1-3 * * *"]),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
)
def test_the_next_time_lies_after_the_instant_that_is_asked_from(after, cron, zone):
    plan = Plan(timezone=zone, jobs={"one": Job(cron=cron, command="run")})
    assert next_at(plan, "one", after) > after


def test_of_two_jobs_at_one_time_the_first_of_the_file_has_the_first_turn():
    at = utc("2001-01-15 16:20")
    assert earliest({"b": at, "a": at, "c": utc("2001-01-15 17:00")}) == ScheduledRun(at, "b")


WRONG = [
    ("jobs: {run: {cron: '20 * * *', command: run}}", "jobs.run.cron: '20 * * *' is no time of cron"),
    ("jobs: {run: {cron: '0 20 * * * *', command: run}}", "no time of cron (it has five fields)"),
    ("jobs: {run: {cron: '60 * * * *', command: run}}", "'60 * * * *' is no time of cron (Bad minute)"),
    ("jobs: {run: {cron: '0 0 31 2 *', command: run}}", "'0 0 31 2 *' is no time of cron"),
    ("jobs: {run: {cron: 20, command: run}}", "jobs.run.cron: Input should be a valid string"),
    ("jobs: {run: {corn: '20 * * * *', command: run}}", "unknown key 'jobs.run.corn'; the nearest known one is 'cron'"),
    ("jobs: {run: {cron: '20 * * * *'}}", "jobs.run.command: Field required"),
    ("jobs: {run: {cron: '20 * * * *', command: ''}}", "jobs.run.command: name a command"),
    ("jobs: {run: {cron: '20 * * * *', command: 'run \"'}}", "has a quote that doesn't end"),
    ("jobs: {Run!: {cron: '20 * * * *', command: run}}", "'Run!' can't be a name"),
    ("timezone: Mars/Crater\njobs: {run: {cron: '20 * * * *', command: run}}", "no such time zone: 'Mars/Crater'"),
    ("jobs: {}", "jobs: Dictionary should have at least 1 item"),
    ("", "jobs: Field required"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_in_a_plan_is_told_with_its_place(tmp_path, text, said):
    (tmp_path / "schedule.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_plan(str(tmp_path))
    assert str(error.value).startswith(f"{tmp_path}/schedule.yaml: ") and said in str(error.value)


def test_a_folder_without_a_plan_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"no plan .*schedule\.yaml; write one"):
        load_plan(str(tmp_path))


def test_the_plan_that_comes_with_it_runs_each_hour_and_leaves_the_stores_to_whoever_has_apps():
    plan = load_plan(str(ROOT / "conf"))
    assert plan.running == ["run", "upkeep", "audit-privacy"]
    assert plan.jobs["fetch-app-store"].words == ["fetch", "app-store"]
