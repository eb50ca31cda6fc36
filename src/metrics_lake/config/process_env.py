"""What is read of this process's environment where nothing of the settings is needed, so that it costs nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FAIL_POINT = "METRICS_LAKE_FAILPOINT"
_OWN_JAVA, _OWN_SPARK = ".cache/java", ".cache/spark"


def fail_point() -> str:
    """Where a test wants this process to die (io/storage/failpoints.py); empty outside of tests."""
    return os.environ.get(_FAIL_POINT, "")


def java_program() -> str:
    """The Java that Spark will start: JAVA_HOME's, else that of `make setup`, else the PATH's."""
    home = os.environ.get("JAVA_HOME") or (_OWN_JAVA if Path(_OWN_JAVA, "bin", "java").exists() else "")
    return str(Path(home, "bin", "java")) if home else "java"


def is_submitted() -> bool:
    """Whether spark-submit or Databricks started this process, and with it Spark's JVM."""
    return "PYSPARK_GATEWAY_PORT" in os.environ or "DATABRICKS_RUNTIME_VERSION" in os.environ


def prepare_for_spark() -> None:
    """What Spark's launcher and its Python workers take from the environment, where nobody has set it."""
    if Path(_OWN_JAVA, "bin", "java").exists():
        os.environ.setdefault("JAVA_HOME", str(Path(_OWN_JAVA).resolve()))
    if Path(_OWN_SPARK, "bin", "spark-submit").exists():
        os.environ.setdefault("SPARK_HOME", str(Path(_OWN_SPARK).resolve()))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
