"""A data engineer submits a job with Spark's own command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyspark

from tests.lake.conftest import ROOT, SAMPLES


def test_spark_submit_runs_the_ingest_pipeline(tmp_path: Path) -> None:
    jars = ",".join(str(jar) for jar in sorted((ROOT / ".cache" / "jars").glob("*.jar")))
    places = {
        "storage.landing": SAMPLES / "landing", "storage.lake": tmp_path / "lake", "tenants": SAMPLES / "tenants.yaml",
        "privacy.secret_file": tmp_path / "secret",
    }  # fmt: skip
    command = [
        str(Path(pyspark.__path__[0], "bin", "spark-submit")), "--master", "local[2]", "--jars", jars,
        "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.memory=1g",
        str(ROOT / "pipelines" / "ingest.py"), "--conf", str(ROOT / "conf"),
        *(part for key, value in places.items() for part in ("--set", f"{key}={value}")),
    ]  # fmt: skip
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    environment.pop("METRICS_LAKE_SECRET", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "3 files taken in" in done.stdout + done.stderr
    rows = pl.read_delta(str(tmp_path / "lake" / "bronze" / "haproxy"))
    assert rows.filter(pl.col("row_kind") == "file")["line_count"].sum() == 2234 + 2037 + 1016
