"""Where tests write, and how they are dealt to workers where there are several (`pytest -n 2 --dist loadgroup`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_LAKE = Path(__file__).parent / "lake"
_MEMORY = Path("/dev/shm")  # a file is synced there in 0.2 ms, on a disk in 5 ms; one run of the jobs syncs some fifty
_ROOM_BYTES = 4 << 30  # all tests write less than half a gigabyte


def pytest_configure() -> None:
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))  # what tmp_path lies in


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests on the shared Spark session are one group, so that one worker starts it; each other file is a group.

    The Spark group comes first and the rest of tests/lake next: what is dealt last is small, and no worker waits long.
    """
    items.sort(key=lambda item: (not _uses_spark(item), _LAKE not in item.path.parents))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("spark" if _uses_spark(item) else item.nodeid.partition("::")[0]))


def _uses_spark(item: pytest.Item) -> bool:
    return "spark" in getattr(item, "fixturenames", ())
