"""The last line of a run: what became of what came, and the exit code of --strict."""

from __future__ import annotations

import pytest

from metrics_lake.jobs.ingest import Ingested
from metrics_lake.jobs.intake_summary import IntakeSummary, summarise
from metrics_lake.jobs.publish.publish import Published
from metrics_lake.jobs.run import Ran

QUIET = IntakeSummary(accepted=1043, unclaimed=4, mostly="/favicon.ico")
LINES = [
    (IntakeSummary(), False, "accepted 0, unclaimed 0, rejected 0, quarantined 0 files"),
    (QUIET, False, "accepted 1,043, unclaimed 4 (0.4 %, mostly /favicon.ico), rejected 0, quarantined 0 files"),
    (IntakeSummary(accepted=4, unclaimed=1043, mostly="/northfm"), True, "unclaimed 1,043 (100 %, mostly /northfm)"),
    (IntakeSummary(accepted=5, unclaimed=5, mostly="/x"), True, "unclaimed 5 (50 %, mostly /x)"),
    (IntakeSummary(unclaimed=3, mostly="/x"), True, "accepted 0, unclaimed 3 (100 %, mostly /x)"),
    (
        IntakeSummary(1, rejected={"no_request": 1200, "too_long": 1}),
        True,
        "rejected 1,201 (no_request 1,200, too_long 1)",
    ),
    (IntakeSummary(1, rejected=dict.fromkeys("abcd", 2)), True, "rejected 8 (a 2, b 2, c 2, …)"),
    (IntakeSummary(1, quarantined=1), True, "quarantined 1 file"),
    (IntakeSummary(1, put_off=2), True, "quarantined 0 files, put off 2 files"),
    (IntakeSummary(10, requests=10, without_agent=1), False, "quarantined 0 files, requests without agent 10 %"),
]


@pytest.mark.parametrize(("summary", "is_trouble", "said"), LINES, ids=[row[2] for row in LINES])
def test_what_came_is_said_in_a_line_and_is_trouble_where_somebody_should_look(summary, is_trouble, said):
    assert said in summary.text and summary.is_trouble == is_trouble


def test_a_summary_counts_the_batches_of_the_run_alone(filled):
    lake = str(filled.folder / "data" / "lake")
    new = summarise(lake, {"haproxy": Ingested(files=4, rejected={"no_date": 1}, after_batch=0)})
    assert (new.accepted, new.unclaimed, new.mostly, new.rejected) == (3, 1, "/nobody", {"no_date": 1})
    assert (new.requests, new.without_agent) == (4, 0)
    assert summarise(lake, {"haproxy": Ingested(files=1, after_batch=1)}) == IntakeSummary()
    assert summarise(lake, {"haproxy": Ingested()}) == IntakeSummary()


@pytest.mark.parametrize(("words", "rejected", "code"), [
    ([], {"no_date": 1}, 0), (["--strict"], {"no_date": 1}, 3), (["--strict"], {}, 0),
])  # fmt: skip
def test_trouble_ends_a_run_with_3_where_it_is_asked_for(filled, monkeypatch, words, rejected, code):
    done = Ingested(files=4, rejected=rejected, after_batch=0)
    ran = Ran({"haproxy": done, "store_reports": Ingested()}, {}, {}, Published())
    monkeypatch.setattr("metrics_lake.jobs.run.run", lambda *_, **__: ran)
    ended = filled.run("run", *words)
    assert ended.code == code
    assert (
        ended.out.startswith("accepted 3, unclaimed 1 (25 %, mostly /nobody), rejected ") and ended.out.count("\n") == 1
    )


def test_requests_of_no_stream_are_shown_summed_the_most_frequent_first_with_their_day(filled):
    ended = filled.run("show", "bronze.unclaimed", "--format", "csv")
    assert ended.out.splitlines() == ["happened_on,frontend,path_start,line_count", "2001-01-15,fe,/nobody,1"]
    assert "file_id" in filled.run("show", "bronze.unclaimed", "--columns", "file_id,line_count", "--format", "csv").out
    assert "/nobody" in filled.run("show", "bronze.unclaimed", "--where", "frontend=fe").out


def test_a_table_that_a_run_did_not_make_says_why(filled):
    assert "`metrics-lake run` makes it" in filled.run("show", "gold.listening_by_day").err


def test_after_a_wrong_tenants_file_show_names_the_cause_and_not_another_run(unclaimed_alone):
    said = unclaimed_alone.run("show", "gold.listening_by_day").err
    assert "no stream claims any of the 2 requests that came" in said and "metrics-lake tenants check FILE" in said
