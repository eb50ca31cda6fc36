"""A job is done again where another machine's commit came between, and not for ever."""

from __future__ import annotations

import pytest
from deltalake.exceptions import CommitFailedError

from metrics_lake.jobs.maintain.retry import retried


class ConcurrentAppendException(Exception):
    pass


class ConcurrentTransactionException(Exception):
    pass


class SparkError(Exception):
    def __init__(self, condition: str) -> None:
        super().__init__("[…] told at length")
        self.getCondition = lambda: condition


def failing(times: int, error: Exception):
    """A job that fails so many times, and what it was asked."""
    calls: list[int] = []

    def job() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return job, calls


ADDED = "Failed to commit transaction: Commit failed: a concurrent transactions added new data.\nHelp: This transaction's query"
CHANGED = "Failed to commit transaction: Metadata changed since last commit."


@pytest.mark.parametrize(
    "error",
    [
        ConcurrentAppendException(),
        SparkError("DELTA_METADATA_CHANGED"),
        CommitFailedError(ADDED),
        CommitFailedError(CHANGED),
    ],
)
def test_a_job_that_another_commit_crossed_is_done_again_after_a_pause_that_grows(error):
    job, calls = failing(4, error)
    pauses: list[float] = []
    assert retried(job, pauses.append) == "done" and len(calls) == 5
    assert all(0.25 * 2**n <= pause <= 0.75 * 2**n for n, pause in enumerate(pauses)) and len(pauses) == 4


def test_after_five_attempts_the_error_is_told():
    job, calls = failing(9, ConcurrentAppendException())
    with pytest.raises(ConcurrentAppendException):
        retried(job, lambda seconds: None)
    assert len(calls) == 5


@pytest.mark.parametrize(
    "error",
    [
        ConcurrentTransactionException(),
        CommitFailedError("Concurrent transaction failed."),
        ValueError("no such thing"),
    ],
)
def test_two_runs_of_one_checkpoint_and_plain_faults_are_never_retried(error):
    job, calls = failing(1, error)
    with pytest.raises(type(error)):
        retried(job, lambda seconds: pytest.fail("it paused"))
    assert len(calls) == 1
