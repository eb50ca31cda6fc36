"""For every unit test: no secret, folder or environment of the machine's own, and Hypothesis without a stop-watch."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    for name in [name for name in os.environ if name.startswith("METRICS_LAKE_")]:
        monkeypatch.delenv(name)
