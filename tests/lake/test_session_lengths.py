"""Spark ML's Bucketizer places lengths; where this process has the sessions, it places them alike."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import polars as pl
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from metrics_lake.config.settings import LENGTH_EDGES
from metrics_lake.gold import session_lengths_by_day
from metrics_lake.jobs import session_columns

START = datetime(2001, 1, 15, tzinfo=timezone.utc)


def test_both_ways_of_placing_lengths_agree_on_edges_and_between(spark: SparkSession) -> None:
    draw = random.Random(1)
    edges = [edge * 60_000 + near for edge in LENGTH_EDGES for near in (-1, 0, 1) if edge * 60_000 + near >= 0]
    lengths = [*edges, *(draw.randrange(100_000_000) for _ in range(2000))]
    ends = [START + timedelta(milliseconds=length) for length in lengths]
    rows = [(n, START, end) for n, end in enumerate([*ends, None])]
    by_spark = session_columns.with_length_bucket(
        spark.createDataFrame(rows, "n INT, started_at TIMESTAMP, ended_at TIMESTAMP"), LENGTH_EDGES
    ).select("n", "at_least_minutes")
    schema = {"n": pl.Int32, "started_at": pl.Datetime("us", "UTC"), "ended_at": pl.Datetime("us", "UTC")}
    here = session_lengths_by_day.with_length_bucket(pl.DataFrame(rows, schema, orient="row"), LENGTH_EDGES)
    expected = spark.createDataFrame(here.select("n", "at_least_minutes").rows(), by_spark.schema)
    assert_df_equality(by_spark, expected, ignore_row_order=True)
