"""`schedule`: what it lists and refuses, and how it stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

PLAN = "jobs: {upkeep: {cron: '0 3 1 1 *', command: upkeep}, stores: {cron: '1 * * * *', command: fetch app-store, paused: true}}"


def test_the_list_tells_when_each_job_comes_next_and_which_are_paused(world):
    (world.folder / "conf" / "schedule.yaml").write_text(PLAN)
    ended = world.run("schedule", "--list")
    first, second = ended.out.splitlines()
    assert "-01-01 03:00 UTC  upkeep: metrics-lake upkeep" in first and ended.code == 0
    assert second.startswith("paused") and second.endswith("stores: metrics-lake fetch app-store")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("rnu", "jobs.one.command: 'rnu' can't be scheduled; nearest: run"),
        ("fetch app-stor", "jobs.one.command: 'app-stor' can't be scheduled; nearest: app-store"),
        ("fetch", "jobs.one.command: '' can't be scheduled"),
        ("schedule", "jobs.one.command: 'schedule' can't be scheduled"),
        ("run --bogus", "jobs.one.command: No such option: --bogus"),
        ("backfill --from 2001-01-15", "jobs.one.command: Missing"),
    ],
)
def test_a_command_that_is_none_is_told_before_anything_waits(world, command, said):
    (world.folder / "conf" / "schedule.yaml").write_text(f"jobs: {{one: {{cron: '0 3 1 1 *', command: '{command}'}}}}")
    ended = world.run("schedule")
    assert ended.code == 1 and said in ended.err and len(ended.err.splitlines()) == 1


def test_a_plan_of_which_every_job_is_paused_is_told(world):
    (world.folder / "conf" / "schedule.yaml").write_text("jobs: {a: {cron: '1 * * * *', command: run, paused: true}}")
    ended = world.run("schedule")
    assert ended.code == 1 and "every job is paused" in ended.err


_AT_ONCE = """
from metrics_lake.cli import main, schedule
schedule._sleep_until = lambda at: None
main(["schedule"])
"""


def started(world, *command: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "METRICS_LAKE_ENV": "local", "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, *command], cwd=world.folder, env=environment, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_schedule_that_waits_stops_at_once(world, sent, code):
    (world.folder / "conf" / "schedule.yaml").write_text(PLAN)
    process = started(world, "-m", "metrics_lake.cli", "schedule")
    assert "next: " in process.stderr.readline()
    process.send_signal(sent)
    _, told = process.communicate(timeout=30)
    assert process.returncode == code and told.startswith("stopped") and "Traceback" not in told


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_schedule_that_is_stopped_while_a_job_runs_stops_that_and_waits_for_it(world, sent, code):
    with socket.create_server(("127.0.0.1", 0)) as never_answers:
        url = f"http://127.0.0.1:{never_answers.getsockname()[1]}"
        (world.folder / "conf" / "base.yaml").write_text(f"google_play: {{bucket: b, url: '{url}'}}")
        (world.folder / "conf" / "tenants.yaml").write_text(
            "tenants: {acme: {name: A, timezone: UTC, apps: [{store: google, id: a.b, name: A}]}}"
        )
        (world.folder / "conf" / "schedule.yaml").write_text(
            "jobs: {stores: {cron: '* * * * *', command: fetch google-play}}"
        )
        process = started(world, "-c", _AT_ONCE)
        connection, _ = never_answers.accept()  # the job is at work
        process.send_signal(sent)
        _, told = process.communicate(timeout=60)
        connection.settimeout(5)
        while connection.recv(1 << 16):  # until the job's end has closed it
            pass
        connection.close()
    assert process.returncode == code and "stopped" in told and "Traceback" not in told


def test_a_job_is_a_command_of_its_own_and_its_end_is_told(world):
    (world.folder / "conf" / "schedule.yaml").write_text("jobs: {run: {cron: '* * * * *', command: run}}")
    (world.folder / "conf" / "tenants.yaml").unlink()
    process = started(world, "-c", _AT_ONCE)
    told = [process.stderr.readline() for _ in range(3)]
    process.terminate()
    process.communicate(timeout=30)
    assert "next: " in told[0] and told[1].startswith("metrics-lake: no tenants file")
    assert told[2].rstrip().endswith("run failed (exit code 1); the schedule goes on")
