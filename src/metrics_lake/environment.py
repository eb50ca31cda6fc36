"""What is read of this process's environment where nothing else of the settings is needed, so that it costs nothing."""

from __future__ import annotations

import os

_FAIL_POINT = "METRICS_LAKE_FAILPOINT"


def fail_point() -> str:
    """Where a test wants this process to die (io/failpoints.py); empty outside of tests."""
    return os.environ.get(_FAIL_POINT, "")
