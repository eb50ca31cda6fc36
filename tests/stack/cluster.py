"""A Spark cluster of one master and one worker, and a Python with all locked packages but without this project."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SOON_READY = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # all of it shares two cores
JARS = sorted((ROOT / ".cache" / "jars").glob("*.jar"))


@dataclass(frozen=True)
class Elsewhere:
    """A clean installation: its Python, its Spark, and the project as the archive that spark-submit is given."""

    python: Path
    spark: Path
    archive: Path


def elsewhere(folder: Path) -> Elsewhere:
    """A virtual environment with the packages of requirements.lock, by links, and the project's wheel, not installed."""
    venv.create(folder / "clean", symlinks=True, with_pip=False)
    [site] = (folder / "clean").glob("lib/python3.*/site-packages")
    [locked] = (Path(sys.prefix)).glob("lib/python3.*/site-packages")
    for entry in locked.iterdir():
        if "metrics_lake" not in entry.name:
            (site / entry.name).symlink_to(entry)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, folder, ROOT], check=True, timeout=300)
    [wheel] = folder.glob("metrics_lake-*.whl")
    # Spark puts .zip, .egg and .jar on the workers' path, a .whl it does not; a wheel is a zip.
    return Elsewhere(folder / "clean" / "bin" / "python", site / "pyspark", wheel.rename(folder / "metrics_lake.zip"))


@dataclass(frozen=True)
class Cluster:
    """A running cluster; jobs are submitted from a clean environment."""

    place: Elsewhere
    master: str
    work: Path

    def submit(self, pipeline: str, arguments: list[str], options: Mapping[str, str], environment: Mapping[str, str],
               folder: Path) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """spark-submit of a file of pipelines/, in a folder that isn't the project's."""
        settings = {
            "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g", "spark.executor.memory": "1g", "spark.driver.extraJavaOptions": _SOON_READY,
            "spark.executor.extraJavaOptions": _SOON_READY, "spark.databricks.delta.snapshotPartitions": "2", "spark.sql.shuffle.partitions": "2", **options,
        }  # fmt: skip
        command = [
            self.place.spark / "bin" / "spark-submit", "--master", self.master, "--py-files", self.place.archive,
            "--jars", ",".join(map(str, JARS)), *(part for each in settings.items() for part in ("--conf", "=".join(each))),
            ROOT / "pipelines" / pipeline, *arguments,
        ]  # fmt: skip
        whole = {**_environment(self.place), **environment}
        return subprocess.run(command, cwd=folder, env=whole, capture_output=True, text=True, timeout=1200, check=False)


def _environment(place: Elsewhere) -> dict[str, str]:
    """This one's, without anything that leads to the project or to another Spark."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("METRICS_LAKE_", "PYSPARK_", "SPARK_", "PYTHON"))
    }
    own = {"SPARK_HOME": place.spark, "PYSPARK_PYTHON": place.python, "PYSPARK_DRIVER_PYTHON": place.python}
    own |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m", "POLARS_MAX_THREADS": "1"}
    own |= {"SPARK_DAEMON_JAVA_OPTS": _SOON_READY}
    return {**kept, **{name: str(value) for name, value in own.items()}}


@contextmanager
def cluster(folder: Path, secrets: Mapping[str, str]) -> Iterator[Cluster]:
    """A master and a worker of one core on this machine; the worker's environment has the secrets, as its jobs' have."""
    place = elsewhere(folder)
    port, master_log, worker_log = _free_port(), folder / "master.log", folder / "worker.log"
    address = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        master = ["Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(_free_port())]
        running.enter_context(_daemon(place, "master", master, master_log, {}))
        _wait_for(master_log, r"I have been elected leader")
        worker = ["Worker", "--host", "127.0.0.1", "--webui-port", str(_free_port()), "-c", "1", "-m", "2g"]
        worker += ["--work-dir", str(folder / "work"), address]
        running.enter_context(_daemon(place, "worker", worker, worker_log, secrets))
        _wait_for(worker_log, r"Successfully registered with master")
        yield Cluster(place, address, folder / "work")


@contextmanager
def _daemon(place: Elsewhere, kind: str, words: list[str], log: Path, more: Mapping[str, str]) -> Iterator[None]:
    command = [place.spark / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}.{words[0]}", *words[1:]]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=log.parent, env={**_environment(place), **more}, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def _wait_for(log: Path, words: str) -> None:
    for _ in range(1200):
        if re.search(words, log.read_text(errors="replace")):
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
