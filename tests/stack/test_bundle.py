"""The bundle's jobs as Databricks' own package for bundles takes them: it knows every field and word of the bundle's schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".cache" / "stack" / "databricks"
JOBS = yaml.safe_load((ROOT / "resources" / "jobs.yml").read_text(encoding="utf-8"))["resources"]["jobs"]
CLUSTER = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))["variables"]["cluster"]["default"]
READ = """
import json, sys
from databricks.bundles import jobs
print(json.dumps(getattr(jobs, sys.argv[1]).from_dict(json.loads(sys.argv[2])).as_dict()))
"""


def taken(kind: str, value: object) -> subprocess.CompletedProcess[str]:
    """How the package takes something, in a process of its own: its name `databricks` is one that others use too."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    command = [sys.executable, "-c", READ, kind, json.dumps(value)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("kind", "value"), [*(("Job", job) for job in JOBS.values()), ("ClusterSpec", CLUSTER)],
                         ids=[*JOBS, "cluster"])  # fmt: skip
def test_all_of_a_job_and_of_its_cluster_is_known_to_databricks(kind, value):
    done = taken(kind, value)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == value


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"schedul": JOBS["run"]["schedule"]}, "Unexpected field 'schedul'"),
        ({"schedule": {**JOBS["run"]["schedule"], "pause_status": "NO"}}, "'NO' is not a valid PauseStatus"),
    ],
)
def test_a_field_or_word_that_databricks_does_not_know_is_refused(wrong, said):
    done = taken("Job", {**JOBS["run"], **wrong})
    assert done.returncode != 0 and said in done.stderr
