"""Builds the Spark session: sized for the machine it runs on, in UTC, and silent about secrets and about itself."""

from __future__ import annotations

import logging
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from metrics_lake.config.process_env import is_submitted, prepare_for_spark
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.privacy.redaction import without_addresses

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

# What Java, Spark's launcher and its logging say at each start, whatever the user does. Errors look different.
_NOTICE = re.compile(
    r"WARNING: |(NOTE: )?Picked up \w+_OPTIONS|Setting default log level to |To adjust logging level use |SLF4J"
    r"|Using Spark's default log4j profile|\[[\d.,]+s\]\[(warning|info *)\]\[(cds|class|aot)"
    r"|.* VM warning: (Sharing|Archived|Ignoring option|Options? \S+ (was|were) deprecated|-X\S+ )"
    # After a Ctrl-C Java may overflow in a log line's pattern, in a thousand lines; Python's error has what matters.
    r"|\s+at [\w$.<>/@-]+\(|\s+\.\.\. \d+ more|.*\bjava\.lang\.StackOverflowError"
)
_LAST_WORDS_SECONDS = 5.0  # that a Java which failed to start has to tell why


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
        options |= {"spark.master": settings.spark.master, "spark.app.name": name}
        prepare_for_spark()
    options |= settings.spark.conf
    for key, value in options.items():
        builder = builder.config(key, value)
    _silence_py4j()
    with ThreadPoolExecutor(1) as aside:  # in the main thread pyspark would take Ctrl-C for itself, and stumble over it
        if not is_submitted():
            aside.submit(_start, SparkConf().setAll(list(options.items()))).result()
        spark = aside.submit(builder.getOrCreate).result()
    spark.sparkContext.setLogLevel("ERROR")
    _share_archive(spark, Path(__file__).parents[3])
    return spark


def _start(conf: SparkConf) -> None:
    """Starts Java and a context for the session, unless this process has a Java already. Java's output is filtered."""
    if SparkContext._gateway is not None:
        return
    reader, writer = os.pipe()
    filtering = threading.Thread(target=pass_on_errors, args=(reader,), daemon=True)
    filtering.start()
    try:
        gateway = launch_gateway(conf, {"stdout": writer, "stderr": writer})  # type: ignore[no-untyped-call]
    except Exception:
        os.close(writer)
        filtering.join(_LAST_WORDS_SECONDS)
        raise
    os.close(writer)
    SparkContext(conf=conf, gateway=gateway)


def pass_on_errors(reader: int, writer: int = 2) -> None:
    """Copies lines from one file descriptor to another (stderr) until the end, without notices and without addresses.

    It writes past sys.stderr: a thread that Python's end stops within its lock would end in a fatal error.
    """
    with os.fdopen(reader, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not _NOTICE.match(line):
                os.write(writer, without_addresses(line).encode())


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
