"""A start of Spark as a user sees it: silent if all is well, and with Java's own words if it can't start."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.rules.reading import ROOT

_START = """
from metrics_lake.config.settings import load
from metrics_lake.io.lake.spark_session import session
spark = session(load("conf", "local", ["spark.driver_memory={memory}"]))
print(spark.range(5).count())
spark.stop()
"""


def started(memory: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that starts Spark; Java also mentions its options, if it is asked to."""
    words = [sys.executable, "-c", _START.format(memory=memory)]
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": "-Dmetrics.lake=quiet"}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_start_of_spark_says_nothing_of_its_own():
    ended = started("512m")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "5\n", "")


def test_a_java_that_can_not_start_tells_why():
    ended = started("much")
    assert ended.returncode == 1 and "-Xmxmuch" in ended.stderr and "JAVA_GATEWAY_EXITED" in ended.stderr
    assert "Picked up JAVA_TOOL_OPTIONS" not in ended.stderr
