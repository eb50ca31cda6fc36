"""Builds the Spark session: sized for the machine it runs on, in UTC, and silent about secrets."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

from pyspark.sql import SparkSession

from metrics_lake.environment import is_submitted, prepare_for_spark
from metrics_lake.settings import Settings, SettingsError

_REDACTED = (
    "(?i)secret|password|passwd|token|access[.]?key|account[.]?key|credential|sas|sig=|connection[.]?string|hmac|salt"
)
_ADDRESS = r"(?i)\b\d{1,3}(?:\.\d{1,3}){3}\b|[0-9a-f:]*::[0-9a-f:.]*|(?:[0-9a-f]{1,4}:){4,}[0-9a-f:.]+"

# What the product's results or its privacy depend on, wherever it runs.
_ALWAYS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.redaction.regex": _REDACTED,
    "spark.sql.redaction.options.regex": f"{_REDACTED}|url",
    "spark.sql.redaction.string.regex": _ADDRESS,
    "spark.databricks.delta.commitInfo.userMetadata.enabled": "true",
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",  # a commit without rows still says what its job had read
}

# What makes small jobs quick on a small machine (200 partitions by default in Spark, 50 in Delta, cost more than the work).
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "65536",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.log.structuredLogging.enabled": "false",
}


def session(settings: Settings, *, name: str = "metrics_lake") -> SparkSession:
    """The session of this process. Under spark-submit the submitter's choices of master, memory and jars stand."""
    builder = SparkSession.builder.appName(name)
    options = dict(_ALWAYS)
    if not is_submitted():
        jars = _jars(settings)
        options |= _LOCAL | {
            "spark.driver.memory": settings.spark.driver_memory,
            "spark.driver.extraClassPath": os.pathsep.join(jars),
            "spark.driver.extraJavaOptions": _java(settings),
            "spark.sql.shuffle.partitions": str(settings.spark.shuffle_partitions),
        }
        builder = builder.master(settings.spark.master)
        prepare_for_spark()
    for key, value in (options | settings.spark.conf).items():
        builder = builder.config(key, value)
    _silence_py4j()
    with ThreadPoolExecutor(1) as aside:  # in the main thread pyspark would take Ctrl-C for itself, and stumble over it
        spark = aside.submit(builder.getOrCreate).result()
    spark.sparkContext.setLogLevel("ERROR")
    _share_archive(spark, Path(__file__).parents[1])
    return spark


def _java(settings: Settings) -> str:
    """Options of the JVM. An archive of classes halves its start; one of another Java or of other jars is passed over."""
    log4j = resources.files(__package__).joinpath("log4j2.properties")
    archive = Path(settings.spark.class_archive)
    kept = f' "-XX:SharedArchiveFile={archive.resolve()}"' if archive.is_file() else ""
    return (
        f'"-Dlog4j2.configurationFile=file:{log4j}" -XX:-HeapDumpOnOutOfMemoryError '
        f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m{kept}"
    )


def _share_archive(spark: SparkSession, place: Path) -> None:
    """Where this package came as an archive (--py-files), the processes that plan a stream beside the driver need it too.

    Spark puts such archives on the path of the executors' Python alone.
    """
    if place.is_file():
        paths = spark.sparkContext.environment
        paths["PYTHONPATH"] = os.pathsep.join(filter(None, (str(place), paths.get("PYTHONPATH"))))


def _silence_py4j() -> None:
    """No trace beside the error itself where the talk with Java breaks off, as it does after a Ctrl-C."""
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_of_py4j)  # some of it goes to the root logger


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in record.pathname


def _jars(settings: Settings) -> list[str]:
    folder = Path(settings.spark.jars)
    jars = sorted(str(jar.resolve()) for jar in folder.glob("*.jar"))
    if not any("delta-spark" in jar for jar in jars):
        raise SettingsError(f"Delta's jars are not in {folder}: run `make setup`, or name their folder with spark.jars")
    return jars
