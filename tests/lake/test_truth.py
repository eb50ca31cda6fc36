"""The whole job against what is known to be true: the real capture, and the generator's own account of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from metrics_lake.config.settings import LENGTH_EDGES
from metrics_lake.demo.traffic import Plan, generate
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run
from metrics_lake.serve.rollup import rollup
from tests.lake.conftest import SAMPLES

_DAY_FIGURES = {
    "total_sessions": "sessions_started", "unique_listeners": "unique_listeners", "peak_listeners": "peak_listeners",
    "sessions_active": "sessions_active", "sessions_completed": "sessions_completed",
}  # fmt: skip


@pytest.fixture(scope="module")
def sampled(work_in: Callable[..., JobContext], tmp_path_factory: pytest.TempPathFactory) -> JobContext:
    work = work_in(tmp_path_factory.mktemp("sampled"), SAMPLES / "landing", SAMPLES / "tenants.yaml")
    run(work)
    return work


@pytest.fixture(scope="module")
def made(work_in: Callable[..., JobContext], tmp_path_factory: pytest.TempPathFactory) -> tuple[JobContext, Any]:
    folder = tmp_path_factory.mktemp("made")
    truth = generate(Plan(days=2, sessions_per_day=150, clients=100, mean_minutes=3), folder)
    work = work_in(folder, folder / "landing", folder / "tenants.yaml")
    run(work)
    return work, truth


def _table(work: JobContext, name: str) -> pl.DataFrame:
    return pl.read_delta(f"{work.settings.storage.lake}/{name}")


def _assert_day(
    days: pl.DataFrame, lengths: pl.DataFrame, place: tuple[str, str, str], expected: dict[str, Any]
) -> None:
    tenant, on, stream = place
    here = (
        (pl.col("tenant") == tenant) & (pl.col("stream") == stream) & (pl.col("listened_on") == date.fromisoformat(on))
    )
    row = days.filter(here).row(0, named=True)
    assert {name: row[column] for name, column in _DAY_FIGURES.items()} == {
        name: expected[name] for name in _DAY_FIGURES
    }
    assert row["listening_seconds"] == pytest.approx(expected["listening_seconds"], rel=1e-3)
    assert (row["peak_at"].isoformat() if row["peak_at"] else None) == expected["peak_at"]
    counted = dict(lengths.filter(here).select("at_least_minutes", "session_count").rows())
    assert [counted.get(edge, 0) for edge in LENGTH_EDGES] == expected["session_lengths"]


def test_the_real_capture_gives_the_figures_worked_out_by_hand(sampled: JobContext) -> None:
    expected = json.loads((SAMPLES / "expected.json").read_text())
    days, lengths = _table(sampled, "gold/listening_by_day"), _table(sampled, "gold/session_lengths_by_day")
    for tenant, held in expected.items():
        for on, streams in held["days"].items():
            for stream, figures in streams.items():
                _assert_day(days, lengths, (tenant, on, stream), figures)


def test_every_minute_of_the_real_capture_has_its_exact_peak(sampled: JobContext) -> None:
    minutes = _table(sampled, "gold/listeners_by_minute")
    for tenant, held in json.loads((SAMPLES / "expected.json").read_text()).items():
        for stream, expected in held["minutes"].items():
            mine = minutes.filter((pl.col("tenant") == tenant) & (pl.col("stream") == stream))
            got = {at.isoformat(): peak for at, peak in mine.select("minute_at", "peak_listeners").rows()}
            assert got == expected


def test_the_generated_days_equal_their_truth(made: tuple[JobContext, Any]) -> None:
    work, truth = made
    days, lengths = _table(work, "gold/listening_by_day"), _table(work, "gold/session_lengths_by_day")
    compared = 0
    for tenant, held in truth.tenants.items():
        for on, streams in held["days"].items():
            for stream, figures in streams.items():
                _assert_day(days, lengths, (tenant, on, stream), figures)
                compared += 1
    assert compared > 20


def test_what_is_not_counted_is_told_by_reason(made: tuple[JobContext, Any]) -> None:
    work, truth = made
    for tenant, held in truth.tenants.items():
        for on, streams in held["days"].items():
            path = Path(work.settings.storage.rollups, tenant, "_all", "day", f"{on}.json")
            got = json.loads(path.read_text())["excluded"]
            assert got == {reason: number for reason, number in streams["*"]["excluded"].items() if number}


def test_unique_listeners_of_everything_equal_the_truth(made: tuple[JobContext, Any]) -> None:
    work, truth = made
    for tenant, held in truth.tenants.items():
        for stream, figures in held["all"].items():
            path = Path(work.settings.storage.rollups, tenant, "_all" if stream == "*" else stream, "all", "all.json")
            summary = json.loads(path.read_text())["summary"]
            assert summary["unique_listeners"] == figures["unique_listeners"]
            assert summary["total_sessions"] == figures["total_sessions"]
            assert summary["peak_listeners"] == figures["peak_listeners"]


def test_every_line_of_every_file_stands_in_one_account(made: tuple[JobContext, Any], sampled: JobContext) -> None:
    for work in (made[0], sampled):
        files = _table(work, "bronze/haproxy").filter(pl.col("row_kind") == "file")
        accounts = files["accepted_count"] + files["reject_count"] + files["unclaimed_count"] + files["skipped_count"]
        assert files["line_count"].to_list() == accounts.to_list()
    assert files["line_count"].sum() == 2234 + 2037 + 1016


def test_every_rollup_fits_its_schema_and_stands_in_the_index(made: tuple[JobContext, Any]) -> None:
    root = Path(made[0].settings.storage.rollups)
    check = jsonschema.Draft202012Validator(rollup.schema(), format_checker=jsonschema.FormatChecker())
    found = [path for path in root.rglob("*.json") if path.name not in ("index.json", "_published.json")]
    assert len(found) > 50
    for path in found:
        check.validate(json.loads(path.read_text()))
        index = json.loads((root / path.relative_to(root).parts[0] / "index.json").read_text())
        assert path.relative_to(root / path.relative_to(root).parts[0]).as_posix() in {
            r["path"] for r in index["rollups"]
        }


def test_the_invariants_of_the_definitions_hold(made: tuple[JobContext, Any]) -> None:
    days, lengths, minutes = (
        _table(made[0], f"gold/{name}")
        for name in ("listening_by_day", "session_lengths_by_day", "listeners_by_minute")
    )
    keys = ["tenant", "stream", "listened_on"]
    counted = lengths.group_by(keys).agg(pl.col("session_count").sum())
    joined = days.join(counted, on=keys, how="left").with_columns(pl.col("session_count").fill_null(0))
    assert joined["session_count"].to_list() == joined["sessions_started"].to_list()
    listened = days.join(minutes.group_by(keys).agg(inside=pl.col("listening_seconds").sum()), on=keys)
    assert listened["inside"].to_list() == pytest.approx(listened["listening_seconds"].to_list(), abs=0.01)
    assert (days["unique_listeners"] <= days["sessions_active"]).all()
    streams = days.filter(pl.col("stream") != "*").group_by("tenant", "listened_on")
    bounds = streams.agg(low=pl.col("peak_listeners").max(), high=pl.col("peak_listeners").sum())
    whole = days.filter(pl.col("stream") == "*").join(bounds, on=["tenant", "listened_on"])
    assert ((whole["low"] <= whole["peak_listeners"]) & (whole["peak_listeners"] <= whole["high"])).all()


def test_no_address_of_the_capture_stands_in_what_was_written(sampled: JobContext) -> None:
    folder = Path(sampled.settings.storage.lake).parent
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"105.145.215.59" not in written
    visits = _table(sampled, "bronze/haproxy").drop("content_hash", "file_id").write_json()
    assert "105.145.215.59" not in visits
