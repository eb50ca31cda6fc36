"""Figures are those of all files at once, in whatever order these come, and lakes whose figures were wrong heal. No Spark."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from metrics_lake.config.tenants import Tenants
from metrics_lake.gold import dimensions_by_period, discovery, listening_by_day, listening_by_period, restatements
from metrics_lake.gold.parts import Share
from metrics_lake.jobs import changed_days
from metrics_lake.jobs import compute as computing
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.publish.publish import publish
from metrics_lake.jobs.refine import refine
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table
from metrics_lake.silver import sessions, tenant_days
from tests.unit.drawing import day
from tests.unit.jobs.lakes import sample, sessions_of, spans, tables, take_in, work_of, worked_out
from tests.unit.sources.haproxy.logs import SECRET, line, text

DAY = 86_400


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


@pytest.mark.parametrize("name", ["week_of_another_tenant", "broadcast_in_repeated_hour_late"])
def test_files_one_by_one_in_any_order_give_the_figures_of_all_at_once(name, tmp_path):
    files = sample(name, tmp_path)[1]
    at_once = worked_out(sample(name, tmp_path / "at_once")[0], files, at_once=True)
    assert spans(at_once) == sessions_of(name)
    assert at_once.delta_tables.frame(listening_by_day.TABLE)["sessions_started"].sum() == 2 * len(sessions_of(name))
    for number, some in enumerate(itertools.permutations(files)):
        one_by_one = worked_out(sample(name, tmp_path / str(number))[0], some)
        assert tables(one_by_one) == tables(at_once)


def test_a_tenant_s_finished_week_keeps_its_listeners_when_another_s_week_of_that_name_goes_on(tmp_path):
    work, files = sample("week_on_its_sunday", tmp_path)
    worked_out(work, files)
    week = pl.col("name") == "2026-W15"
    for table in (listening_by_period.TABLE, dimensions_by_period.TABLE):
        held = work.delta_tables.frame(table, week & (pl.col("tenant") == "acme"))
        assert held.height and set(held["unique_listeners"]) == {1}


def test_a_lake_that_lost_a_week_has_it_again_after_the_next_compute(tmp_path, monkeypatch):
    work, files = sample("week_on_its_sunday", tmp_path)
    monkeypatch.setattr(computing, "_MADE", 1)
    worked_out(work, files)
    whole, lost = tables(work), "tenant = 'acme' AND kind = 'week'"
    for table in discovery.tables("period"):
        last = work.commit_log.last(table)
        work.delta_tables.replace(table, pl.DataFrame(), lost, last.progress)
    assert tables(work) != whole and not compute(work)
    monkeypatch.undo()
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    assert compute(work) and tables(work) == whole and not compute(work)


@pytest.mark.parametrize("name", ["broadcast_in_repeated_hour_alone", "broadcast_in_repeated_hour_late"])
def test_a_lake_that_sought_a_session_in_the_day_before_finds_it_after_the_next_compute(name, tmp_path, monkeypatch):
    """Commits of then name the wrong day, so it is the sessions that are asked."""
    (work, files), right = sample(name, tmp_path), worked_out(*sample(name, tmp_path / "right"))
    monkeypatch.setattr(computing, "_MADE", 1)
    monkeypatch.setattr(tenant_days, "touched", lambda held, clocks: {date(2026, 10, 24)})
    monkeypatch.setattr(changed_days, "note", lambda calendars: {})
    worked_out(work, files)
    assert work.delta_tables.frame(listening_by_day.TABLE).is_empty()
    monkeypatch.undo()
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    assert compute(work) and tables(work) == tables(right) and not compute(work)


def test_a_lake_built_with_the_shorter_gap_builds_its_sessions_anew(tmp_path, monkeypatch):
    work, files = sample("long_gap_wider_than_hls_gap", tmp_path)
    right = worked_out(sample("long_gap_wider_than_hls_gap", tmp_path / "right")[0], files)
    for file in files:
        take_in(work, file)
    with monkeypatch.context() as before:
        before.setattr("metrics_lake.jobs.refine.rules_of", lambda settings: "of before")
        refine(work)
    assert refine(work) and not refine(work)
    compute(work)
    assert tables(work) == tables(right)


def _two(**calendar: str) -> Tenants:
    names = {"acme": calendar, "zeta": {}}
    streams = {name: {"fm": {"protocol": "icecast", "match": {"path": f"/{name}.mp3"}}} for name in names}
    every = {name: {"name": name, "timezone": "UTC", "streams": streams[name], **of} for name, of in names.items()}
    return Tenants.model_validate({"tenants": every})


def _logs(*days: int) -> list[bytes]:
    """A file a day, a listener of each tenant a minute after noon."""
    paths = ("/acme.mp3", "/zeta.mp3")
    return [text([line(n * DAY, path, timers="0/0/0/0/60000") for path in paths]) for n in days]


def test_after_another_calendar_nothing_of_the_old_one_is_left(tmp_path):
    """15 January 2001 is a Monday: the Sunday before it has another week where weeks begin on Sunday."""
    files, asked = _logs(-1, 0), {"privacy.minimum_group": 1}
    work = worked_out(work_of(tmp_path, _two(), asked), files)
    tenants = _two(week_starts="sunday", timezone="Pacific/Auckland", broadcast_day_starts="05:00")
    again = replace(work, tenants=tenants)
    compute(again)
    fresh = worked_out(work_of(tmp_path / "fresh", tenants, asked), files)
    assert tables(again) == tables(fresh) != tables(work_of(tmp_path / "none", tenants, asked))


def test_of_a_tenant_that_there_is_no_more_no_figure_is_left_and_all_come_back_with_it(tmp_path):
    work = worked_out(work_of(tmp_path, _two(), {}), _logs(0, 1))
    whole = tables(work)
    alone = Tenants(tenants={"zeta": work.tenants.tenants["zeta"]})
    assert compute(replace(work, tenants=alone))
    for table in (listening_by_day.TABLE, *discovery.tables("period")):
        assert set(work.delta_tables.frame(table)["tenant"]) == {"zeta"}
    assert compute(work) and tables(work) == whole


def test_figures_of_days_whose_sessions_are_past_their_days_stay_when_all_is_worked_out_anew(tmp_path, monkeypatch):
    work = worked_out(work_of(tmp_path, _two(), {}), _logs(0, 40, 41, 42, 43))
    last, before = work.commit_log.last(sessions.TABLE), tables(work)[listening_by_day.TABLE.name]
    work.delta_tables.tidy(sessions.TABLE, "started_on < DATE'2001-02-20'", 0, replace(last.progress, days=()))
    monkeypatch.setattr(computing, "_MADE", 3)
    assert compute(work) and tables(work)[listening_by_day.TABLE.name] == before
    names = set(work.delta_tables.frame(listening_by_period.TABLE)["name"])
    assert {"2001-01-15", "2001-W03", "2001-01", "2001-02"} <= names


def _file(*lines: tuple[float, int]) -> bytes:
    """Requests for acme's stream: on which day, and with which status."""
    return text([line(n * DAY, "/acme.mp3", timers="0/0/0/0/60000", status=status) for n, status in lines])


def _in_seven_days(work):
    held = work.delta_tables.frame(listening_by_period.TABLE, pl.col("name") == "last-7-days")
    return sorted(held.select("stream", "first_on", "unique_listeners").rows())


def test_rolling_periods_move_on_after_days_on_which_nobody_listened(tmp_path):
    """Lines that are no evidence complete days and change no session."""
    hour = 3599 / DAY
    files = [_file((n, status), (n + 3, status), (n + 4 + hour, 404)) for n, status in ((0, 200), (4, 404), (8, 404))]
    at_once = worked_out(work_of(tmp_path / "at_once", _two(), {}), files, at_once=True)
    work = worked_out(work_of(tmp_path, _two(), {}), files[:1])
    assert [row[1:] for row in _in_seven_days(work)] == [(day("2001-01-13"), 1)] * 2
    worked_out(work, files[1:2])
    assert [row[1:] for row in _in_seven_days(work)] == [(day("2001-01-17"), 1)] * 2
    worked_out(work, files[2:])
    assert _in_seven_days(work) == [] and tables(work) == tables(at_once)
    publish(work)
    assert not compute(work)


def test_a_figure_restated_by_a_late_file_stays_told_when_others_change_with_the_settings(tmp_path):
    files = _logs(0), [text([line(60, "/zeta.mp3", address="192.0.2.9", timers="0/0/0/0/60000")])]
    work = worked_out(work_of(tmp_path, _two(), {}), itertools.chain(*files))
    told = work.delta_tables.frame(restatements.TABLE).filter(tenant="zeta", figure="sessions_started")
    assert told.height == 2
    compute(replace(work, tenants=_two(broadcast_day_starts="12:30")))  # acme's noon lies in the day before now
    now = work.delta_tables.frame(restatements.TABLE)
    assert "acme" in set(now["tenant"]) and told.join(now, on=told.columns[:-1], how="anti").is_empty()


def test_asking_for_one_metric_deletes_no_other_tenant_s_rows(tmp_path):
    work, files = sample("week_on_its_sunday", tmp_path)
    worked_out(work, files)
    before = tables(work)
    for table in discovery.tables("period"):
        compute(work, days=[day("2026-04-12")], metric=table.name.partition(".")[2])
    assert tables(work) == before


def test_a_metric_of_periods_made_elsewhere_is_worked_out_like_any_other(tmp_path, monkeypatch):
    """One file with a table, a share and a compute is all that a metric is: no job names it."""
    columns = {"tenant": "STRING", "kind": "STRING", "name": "STRING", "session_count": "BIGINT"}
    declared = "\n".join(f"{name} {kind} NOT NULL COMMENT 'x'" for name, kind in columns.items())
    table = Table("gold.sessions_by_period", declared, partitioned_by=("kind",))

    def share(part: Share) -> tuple[pl.DataFrame]:
        return (part.buckets.filter("is_started").group_by("kind", "name").agg(session_count=pl.len().cast(pl.Int64)),)

    def together(frames: list[pl.DataFrame], minimum_group: int) -> pl.DataFrame:
        [shares] = frames
        return shares.group_by("tenant", "kind", "name").agg(pl.col("session_count").sum())

    module = SimpleNamespace(TABLE=table, METRIC=Metric(table, "period", together, share))
    monkeypatch.setattr(discovery, "modules", lambda known=discovery.modules: (*known(), module))
    work, files = sample("week_on_its_sunday", tmp_path)
    worked_out(work, files)
    days = (
        work.delta_tables.frame(listening_by_day.TABLE)
        .filter(stream="*")
        .group_by("tenant")
        .agg(pl.col("sessions_started").sum())
    )
    ever = work.delta_tables.frame(table).filter(kind="all").select("tenant", "session_count")
    assert sorted(ever.rows()) == sorted(days.rows()) and ever.height
    publish(work)
    assert not compute(work), "nothing is due after all metrics were worked out"
