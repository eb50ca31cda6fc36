"""What docs/analysts.md shows for Spark runs as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from tests.unit.analysts_page import examples
from tests.unit.jobs.lakes import work_of, worked_out
from tests.unit.sources.haproxy.logs import TENANTS, line, text


def test_spark_gives_net_figures(spark: SparkSession, tmp_path: Path) -> None:
    lines = [line(0, address="192.0.2.7", agent="VLC/3.0.20"), line(6, address="192.0.2.9", agent="Googlebot/2.1")]
    worked_out(work_of(tmp_path / "data", TENANTS, {}), [text(lines)])
    names: dict[str, Any] = {"spark": spark}
    program = examples("spark").replace("data/lake", f"{tmp_path}/data/lake")
    exec(compile(program, "docs/analysts.md", "exec"), names)
    assert [tuple(row) for row in names["net_by_stream"].collect()] == [("acme", "live", 1, 1)]
