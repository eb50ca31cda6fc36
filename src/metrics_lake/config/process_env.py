"""The variables of this process's environment that code reads without loading the settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from metrics_lake.config.paths import installed

_FAIL_POINT = "METRICS_LAKE_FAILPOINT"
_OWN_JAVA, _OWN_SPARK = ".cache/java", ".cache/spark"


def fail_point() -> str:
    """The place at which a test lets this process die (io/storage/failpoints.py); empty outside of tests."""
    return os.environ.get(_FAIL_POINT, "")


def java_program() -> str:
    """The Java that Spark will start: from JAVA_HOME, else from `make setup`, else from PATH."""
    own = installed(_OWN_JAVA)
    home = os.environ.get("JAVA_HOME") or (str(own) if (own / "bin" / "java").exists() else "")
    return str(Path(home, "bin", "java")) if home else "java"


def is_submitted() -> bool:
    """Whether spark-submit or Databricks started this process, and with it Spark's JVM."""
    return "PYSPARK_GATEWAY_PORT" in os.environ or "DATABRICKS_RUNTIME_VERSION" in os.environ


def prepare_for_spark() -> None:
    """Sets the variables that Spark's launcher and Python workers read, where they are not set."""
    for variable, folder, program in (("JAVA_HOME", _OWN_JAVA, "java"), ("SPARK_HOME", _OWN_SPARK, "spark-submit")):
        if (installed(folder) / "bin" / program).exists():
            os.environ.setdefault(variable, str(installed(folder).resolve()))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
