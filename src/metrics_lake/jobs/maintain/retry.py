"""A job done again where another machine's commit came between its reading and its writing.

On one machine the lake's lock lets one writer in; on storage that machines share, Delta itself refuses the second
commit. The whole job is done again, since what it had read is no longer what stands. Two runs of one stream's
checkpoint (ConcurrentTransactionException) are never retried: one of them has to stop.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.5
_PASSING = re.compile(
    r"Concurrent(Append|DeleteRead|DeleteDelete|Write)|(Metadata|Protocol)Changed"
    r"|DELTA_(CONCURRENT_(APPEND|DELETE_READ|DELETE_DELETE|WRITE)|(METADATA|PROTOCOL)_CHANGED)"
    r"|Commit failed: a concurrent transaction|(Metadata|Protocol) changed since last commit"  # delta-rs
)


def retried(job: Callable[[], T], pause: Callable[[float], None] = time.sleep) -> T:
    """The job's answer; at most four more attempts after pauses that double and are never quite the same."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return job()
        except Exception as error:
            if not _is_passing(error):
                raise
            pause(_FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5))
    return job()


def _is_passing(error: Exception) -> bool:
    condition = getattr(error, "getCondition", lambda: None)() or ""
    return bool(_PASSING.search(f"{type(error).__name__} {condition} {str(error)[:200]}"))
