"""The Databricks bundle: its jobs are those of conf/schedule.yaml at the same times, with secrets by scope and the one wheel."""

from __future__ import annotations

import copy
import json
import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from databricks.sdk.service import compute, jobs
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.config.schedule import Job, Plan, load_plan, next_at
from metrics_lake.config.settings import load
from metrics_lake.io.lake.spark_session import _ALWAYS
from tests.rules.reading import PROJECT

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "databricks"))
import bundle  # noqa: E402

sys.path.pop(0)

PLAN = load_plan(str(ROOT / "conf"))
BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
JOBS = yaml.safe_load(bundle.JOBS.read_text(encoding="utf-8"))["resources"]["jobs"]
CLUSTER = BUNDLE["variables"]["cluster"]["default"]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("20 * * * *", "0 20 * * * ?"),
        ("*/15 * * * *", "0 0,15,30,45 * * * ?"),
        ("40 2 * * *", "0 40 2 * * ?"),
        ("0 6-8 1,15 * *", "0 0 6,7,8 1,15 * ?"),
        ("50 3 * * 0", "0 50 3 ? * 1"),  # Sunday
        ("50 3 * * 7", "0 50 3 ? * 1"),  # is the same
        ("0 9 * 3 MON-FRI", "0 0 9 ? 3 2,3,4,5,6"),
        ("0 0 * * *", "0 0 0 * * ?"),
    ],
)
def test_a_time_of_cron_is_told_to_quartz_in_its_own_words(cron, expected):
    assert bundle.quartz(cron) == expected


@pytest.mark.parametrize("cron", ["0 0 1 * 1", "0 0 */2 * 1", "0 0 L * *", "0 0 * * 1#2", "0 0 * * 5L"])
def test_a_time_that_quartz_can_t_say_is_refused(cron):
    with pytest.raises(ValueError, match=r"Quartz"):
        bundle.quartz(cron)


def comes(expression: str, at: datetime) -> bool:
    """Whether a Quartz expression of plain lists names a minute."""
    _, minute, hour, day, month, weekday = expression.split()
    found = ((minute, at.minute), (hour, at.hour), (day, at.day), (month, at.month), (weekday, at.isoweekday() % 7 + 1))
    return all(field in ("*", "?") or str(number) in field.split(",") for field, number in found)


CRONS = [
    "20 * * * *",
    "*/7 1-5 * * *",
    "0,30 */2 * * *",
    "5 4 1-10 * *",
    "5 4 * * 1-5",
    "5 4 * 2,3 SAT,7",
    "1-59/2 * */3 * *",
]


@given(
    st.sampled_from(CRONS),
    st.datetimes(datetime(2001, 1, 1), datetime(2002, 1, 1), timezones=st.just(timezone.utc)),
    st.sampled_from(["any", "due"]),
)
def test_quartz_comes_in_exactly_the_minutes_of_cron(cron, at, kind):
    plan, at = Plan(jobs={"one": Job(cron=cron, command="run")}), at.replace(second=0, microsecond=0)
    at = next_at(plan, "one", at) if kind == "due" else at
    is_due = next_at(plan, "one", at - timedelta(minutes=1)) == at
    assert comes(bundle.quartz(cron), at) == is_due


def test_the_jobs_of_the_bundle_are_those_of_the_plan():
    assert bundle.JOBS.read_text(encoding="utf-8") == bundle.rendered(PLAN), "run: python scripts/databricks/bundle.py"
    assert [name for name in JOBS if name != "run-on-arrival"] == list(PLAN.jobs)


def test_a_job_that_is_paused_in_the_plan_is_paused_there():
    paused = {name for name, job in JOBS.items() if job.get("schedule", {}).get("pause_status") == "PAUSED"}
    assert paused == {name for name, job in PLAN.jobs.items() if job.paused} and paused


def test_each_job_calls_the_command_of_the_wheel_with_the_settings_that_were_sent_along():
    [script] = PROJECT["project"]["scripts"]
    for name, job in PLAN.jobs.items():
        [task] = JOBS[name]["tasks"]
        called = task["python_wheel_task"]
        assert called["entry_point"] == script and called["package_name"] == PROJECT["project"]["name"].replace(
            "-", "_"
        )
        assert called["parameters"][: len(job.words)] == job.words
        assert "${workspace.file_path}/conf" in called["parameters"] and BUNDLE["sync"]["paths"] == ["conf"]
        assert task["libraries"] == bundle.libraries() and "--wheel-dir dist" in BUNDLE["artifacts"]["wheel"]["build"]


def test_logs_that_arrive_start_the_run_and_no_second_one_beside_it():
    job = JOBS["run-on-arrival"]
    assert job["tasks"] == [{"task_key": "run", "run_job_task": {"job_id": "${resources.jobs.run.id}"}}]
    assert job["trigger"]["file_arrival"]["url"] == "${var.arrivals}"
    assert all(each["max_concurrent_runs"] == 1 and each["queue"] == {"enabled": False} for each in JOBS.values())


def test_logs_are_awaited_where_the_settings_have_landing():
    variables = BUNDLE["variables"]
    settings = load(str(ROOT / "conf"), variables["environment"]["default"])
    assert variables["arrivals"]["default"] == f"{settings.storage.landing}/haproxy/"


def test_secrets_come_from_a_scope_and_stand_nowhere():
    secrets = {name: text for name, text in CLUSTER["spark_env_vars"].items() if name.startswith("METRICS_LAKE_")}
    assert set(secrets) == {"METRICS_LAKE_SECRET", "METRICS_LAKE_STORAGE_KEY", "METRICS_LAKE_COSMOS_KEY"}
    assert all(re.fullmatch(r"\{\{secrets/\$\{var\.secret_scope\}/[a-z-]+\}\}", text) for text in secrets.values())


def test_the_runtime_is_of_the_spark_that_all_was_tested_with():
    [pyspark] = [each for each in PROJECT["project"]["optional-dependencies"]["spark"] if each.startswith("pyspark==")]
    assert pyspark.startswith("pyspark==4.1.") and CLUSTER["spark_version"] == "18.x-scala2.13"


def test_a_job_gets_the_packages_of_the_extras_and_no_spark_beside_that_of_databricks():
    [wheel, *packages] = [each.get("whl") or each["pypi"]["package"] for each in bundle.libraries()]
    extras = PROJECT["project"]["optional-dependencies"]
    assert wheel == "../dist/*.whl" and set(packages) == {*extras["lake"], *extras["azure"], *extras["google"]}
    assert not [each for each in (*packages, *PROJECT["project"]["dependencies"]) if "spark" in each]


SPOKEN = [("JobSettings", name, job) for name, job in JOBS.items()] + [("ClusterSpec", "cluster", CLUSTER)]


def as_databricks_reads(kind: str, value: dict) -> dict:
    """What is left of a part of the bundle after Databricks' own SDK has read it: what it doesn't know, it drops."""
    reader = {"JobSettings": jobs.JobSettings, "ClusterSpec": compute.ClusterSpec}[kind]
    return reader.from_dict(copy.deepcopy(value)).as_dict()


@pytest.mark.parametrize(("kind", "name", "value"), SPOKEN, ids=[name for _, name, _ in SPOKEN])
def test_all_of_a_job_and_of_its_cluster_is_known_to_databricks(kind, name, value):
    assert as_databricks_reads(kind, spelt(value)) == spelt(value)


def spelt(value: dict) -> dict:
    """With the bundle's variable for a cluster and the number of a job, which the CLI fills in before anything is read."""
    text = json.dumps(value).replace('"${var.cluster}"', json.dumps(CLUSTER)).replace('"${resources.jobs.run.id}"', "1")
    return json.loads(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedul": JOBS["run"]["schedule"]},
        {"schedule": {**JOBS["run"]["schedule"], "pause_status": "NO"}},
        {"schedule": {**JOBS["run"]["schedule"], "timezone": "UTC"}},
        {"tasks": [{**JOBS["run"]["tasks"][0], "libraries": [{"wheel": "../dist/*.whl"}]}]},
    ],
    ids=["field", "word", "field of a field", "field of a list"],
)
def test_a_field_or_word_that_databricks_does_not_know_is_noticed(wrong):
    value = spelt({**JOBS["run"], **wrong})
    assert as_databricks_reads("JobSettings", value) != value


def test_what_the_log_must_not_show_is_redacted_from_the_session_s_beginning():
    assert CLUSTER["spark_conf"] == {"spark.redaction.regex": _ALWAYS["spark.redaction.regex"]}


def test_dev_and_prod_are_one_command_each():
    dev, prod = BUNDLE["targets"]["dev"], BUNDLE["targets"]["prod"]
    assert dev["default"] and dev["mode"] == "development" and prod["mode"] == "production"
    assert "${bundle.target}" in prod["workspace"]["root_path"]
