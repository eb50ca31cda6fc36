"""One Spark session for all tests of the lake, and lakes in folders of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from metrics_lake.config import settings as settings_of
from metrics_lake.config.settings import Settings
from metrics_lake.io.lake import spark_session
from metrics_lake.jobs.context import JobContext
from tests.lake.intake import SmallJobContext

ROOT = Path(__file__).parents[2]
SAMPLES = Path(__file__).parent / "samples"


def lake_settings(folder: Path, landing: Path, tenants: Path, *more: str) -> Settings:
    """Settings of a lake that lies wholly below one folder; landing is made, if it isn't there."""
    if not landing.exists():
        (landing / "haproxy").mkdir(parents=True)
    places = {
        "storage.landing": landing, "storage.lake": folder / "lake", "storage.rollups": folder / "rollups",
        "documents.path": folder / "documents.db", "privacy.secret_file": folder / "secret", "tenants": tenants,
        "spark.jars": ROOT / ".cache" / "jars",
    }  # fmt: skip
    return settings_of.load(str(ROOT / "conf"), "local", [*(f"{key}={value}" for key, value in places.items()), *more])


@pytest.fixture(scope="session")
def secret() -> None:
    os.environ["METRICS_LAKE_SECRET"] = "5e" * 31 + "c7"


@pytest.fixture(scope="session")
def spark(secret: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    settings = lake_settings(tmp_path_factory.mktemp("session"), SAMPLES, SAMPLES / "tenants.yaml")
    session = spark_session.session(settings, name="tests")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def work_in(spark: SparkSession) -> Callable[..., JobContext]:
    """A piece of work in a folder: work_in(folder, landing, tenants, 'key=value' …)."""
    return lambda folder, landing, tenants, *more: JobContext.create(lake_settings(folder, landing, tenants, *more))


@pytest.fixture(scope="session")
def small_in(secret: None) -> Callable[..., JobContext]:
    """The same without Spark, from the first file on."""
    return lambda folder, landing, tenants, *more: SmallJobContext.create(
        lake_settings(folder, landing, tenants, *more)
    )


@pytest.fixture(scope="session")
def by_spark_in(work_in: Callable[..., JobContext]) -> Callable[..., JobContext]:
    """The same with Spark wherever there is a choice."""
    return lambda *place: work_in(*place, "spark.from_rows=0", "spark.from_bytes=0")
