"""Spark's options, without a session: what is hidden from its logs, and what is said where its jars are missing."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest

from metrics_lake.config import paths
from metrics_lake.config.process_env import is_submitted, java_program, prepare_for_spark
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.io.lake import spark_session


@pytest.mark.parametrize(
    "key",
    [
        "METRICS_LAKE_SECRET", "fs.azure.account.key.acme.dfs.core.windows.net", "spark.hadoop.fs.azure.sas.fixed.token",
        "cosmos.accountKey", "client.secret", "password", "db.passwd", "hmac", "connectionString", "https://x/?sig=abc",
    ],
)  # fmt: skip
def test_options_that_hold_secrets_are_hidden(key):
    assert re.search(spark_session._ALWAYS["spark.redaction.regex"], key)


@pytest.mark.parametrize("key", ["spark.master", "spark.sql.shuffle.partitions", "spark.driver.memory"])
def test_options_that_hold_none_stay_readable(key):
    assert not re.search(spark_session._ALWAYS["spark.redaction.regex"], key)


@pytest.mark.parametrize(
    "address",
    ["192.0.2.7", "2001:db8:0:1:2:3:4:5", "2001:DB8::1", "fe80:1::2", "::1", "::ffff:192.0.2.7", "2001:db8:1:2::"],
)
def test_an_address_in_a_plan_is_hidden_whole(address):
    hidden = re.sub(
        spark_session._ALWAYS["spark.sql.redaction.string.regex"], "#", f"Filter (address = {address}) AND x"
    )
    assert hidden == "Filter (address = #) AND x"


def test_times_in_a_plan_stay_readable():
    text = "Filter (minute_at >= 2001-01-15 19:00:01.123)"
    assert not re.search(spark_session._ALWAYS["spark.sql.redaction.string.regex"], text)


def test_missing_jars_are_named_with_the_remedy(tmp_path):
    settings = Settings.model_validate({"spark": {"jars": str(tmp_path)}})
    with pytest.raises(SettingsError, match=r"Delta's jars are not in .*: run `make setup`, or name their folder"):
        spark_session._jars(settings)


def test_all_jars_of_the_folder_are_taken_in_order(tmp_path):
    for name in ("z.jar", "delta-spark_4.1_2.13-4.4.0.jar", "note.txt"):
        (tmp_path / name).touch()
    found = spark_session._jars(Settings.model_validate({"spark": {"jars": str(tmp_path)}}))
    assert found == [str(tmp_path / "delta-spark_4.1_2.13-4.4.0.jar"), str(tmp_path / "z.jar")]


def test_java_is_that_of_java_home_else_that_of_setup_else_the_path_s(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "installation", lambda: tmp_path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java_program() == "java"
    (tmp_path / ".cache/java/bin").mkdir(parents=True)
    (tmp_path / ".cache/java/bin/java").touch()
    assert java_program() == f"{tmp_path}/.cache/java/bin/java"
    monkeypatch.setenv("JAVA_HOME", "/opt/java")
    assert java_program() == "/opt/java/bin/java"


def test_what_spark_takes_from_the_environment_is_set_only_where_nobody_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYSPARK_PYTHON", "/mine")
    for name in ("POLARS_MAX_THREADS", "SPARK_LOCAL_IP"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    prepare_for_spark()
    assert (os.environ["PYSPARK_PYTHON"], os.environ["POLARS_MAX_THREADS"]) == ("/mine", "1")


def test_spark_is_that_of_setup_unless_somebody_named_another(tmp_path, monkeypatch):
    for name in ("SPARK_HOME", "PYSPARK_PYTHON", "POLARS_MAX_THREADS", "SPARK_LOCAL_IP"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("SPARK_HOME")
    monkeypatch.setattr(paths, "installation", lambda: tmp_path)
    prepare_for_spark()
    assert "SPARK_HOME" not in os.environ
    (tmp_path / ".cache/spark/bin").mkdir(parents=True)
    (tmp_path / ".cache/spark/bin/spark-submit").touch()
    prepare_for_spark()
    assert os.environ["SPARK_HOME"] == str(tmp_path / ".cache/spark")
    monkeypatch.setenv("SPARK_HOME", "/mine")
    prepare_for_spark()
    assert os.environ["SPARK_HOME"] == "/mine"


def test_a_process_that_spark_submit_started_is_known_by_its_gateway(monkeypatch):
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    assert not is_submitted()
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    assert is_submitted()
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    assert is_submitted()


def test_java_is_given_its_kept_classes_only_where_they_are(tmp_path):
    archive = tmp_path / "classes.jsa"
    settings = Settings.model_validate({"spark": {"class_archive": str(archive)}})
    assert "SharedArchiveFile" not in spark_session._java(settings)
    archive.touch()
    assert f'"-XX:SharedArchiveFile={archive}"' in spark_session._java(settings)


@pytest.mark.parametrize(("before", "after"), [({}, "a.zip"), ({"PYTHONPATH": "/else"}, "a.zip:/else")])
def test_an_archive_of_this_package_is_on_the_path_of_spark_s_own_processes(tmp_path, before, after):
    session = SimpleNamespace(sparkContext=SimpleNamespace(environment=dict(before)))
    (tmp_path / "a.zip").touch()
    spark_session._share_archive(session, tmp_path / "a.zip")
    assert session.sparkContext.environment["PYTHONPATH"] == f"{tmp_path}/{after}"


def test_a_package_that_is_installed_changes_no_path(tmp_path):
    session = SimpleNamespace(sparkContext=SimpleNamespace(environment={}))
    spark_session._share_archive(session, tmp_path)
    assert session.sparkContext.environment == {}


NOTICES = """WARNING: Using incubator modules: jdk.incubator.vector
Setting default log level to "OFF".
To adjust logging level use sc.setLogLevel(newLevel). For SparkR, use setLogLevel(newLevel).
SLF4J(W): No SLF4J providers were found.
Picked up JAVA_TOOL_OPTIONS: -Dx=1
NOTE: Picked up JDK_JAVA_OPTIONS: -Dx=1
Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties
[0.012s][warning][cds] shared class paths mismatch
OpenJDK 64-Bit Server VM warning: Sharing is only supported for boot loader classes
"""
ERRORS = """Error: Could not create the Java Virtual Machine.
OpenJDK 64-Bit Server VM warning: INFO: commit_memory failed; error='Not enough space' (errno=12)
10:15:00 ERROR TaskSchedulerImpl: Lost executor 1
Exception in thread "main" java.lang.OutOfMemoryError: Java heap space
"""


def passed_on(text: str) -> str:
    """What of Java's output reaches the user."""
    (java, to_filter), (out, filtered) = os.pipe(), os.pipe()
    os.write(to_filter, text.encode())
    os.close(to_filter)
    spark_session.pass_on_errors(java, filtered)
    os.close(filtered)
    with os.fdopen(out) as lines:
        return lines.read()


def test_nothing_that_java_and_spark_say_at_every_start_reaches_a_user():
    assert passed_on(NOTICES) == ""


def test_a_java_that_overflows_after_ctrl_c_does_not_fill_the_screen():
    frames = "\tat java.base/java.util.regex.Pattern$Loop.match(Pattern.java:4974)\n" * 100
    overflow = f'Exception in thread "shutdown-hook-0" java.lang.StackOverflowError\n{frames}\t... 3 more\n'
    assert passed_on(overflow) == ""
    assert passed_on("ERROR Executor: lost\n" + frames) == "ERROR Executor: lost\n"


def test_errors_of_java_reach_a_user_in_their_order_and_without_addresses():
    assert passed_on(NOTICES + ERRORS + NOTICES) == ERRORS
    assert "192.0.2.7" not in passed_on("ERROR Executor: the value '192.0.2.7' can't be cast\n")
