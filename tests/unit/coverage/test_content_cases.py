"""Hours by the content of their files: a packed one is received, one that can't be read is missing and not silent."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from metrics_lake.coverage import completeness
from metrics_lake.io.landing.byte_pieces import LandedFile
from metrics_lake.sources.landed_file import FileEntry
from tests.rules.reading import ROOT
from tests.unit.sources.haproxy.logs import SECRET, parse

CASE = ROOT / "tests" / "golden" / "cases" / "18-zst-hour-folder"
PACKED = "haproxy/edge-01/2026-11-22/16/haproxy.log.zst"


def landed(root: Path, path: Path) -> LandedFile:
    content = path.read_bytes()
    digest, name = hashlib.sha256(content).hexdigest(), path.relative_to(root).as_posix()
    return LandedFile(str(root), FileEntry(name, len(content), digest, "2026-11-22T18:00:00+00:00"), 1, str)


@pytest.mark.parametrize(
    ("harm", "status", "reason", "through"),
    [
        (lambda packed: packed, "read", None, 18),
        (lambda packed: packed[:-9], "quarantined", "zst_truncated", 16),
        (lambda packed: b"PK\x03\x04" + packed, "quarantined", "packed_zip", 16),
        (lambda packed: bytes(range(256)) * 9, "quarantined", "not_text", 16),
        (lambda packed: b"", "empty", None, 18),
    ],
)
def test_an_hour_that_can_not_be_read_is_missing_and_one_that_is_packed_by_zstd_is_not(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[bytes], bytes],
    status: str,
    reason: str | None,
    through: int,
) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    shutil.copytree(CASE, tmp_path / "landing")
    (tmp_path / "landing" / PACKED).write_bytes(harm((CASE / PACKED).read_bytes()))
    paths = sorted((tmp_path / "landing").rglob("haproxy.log*"))
    files = parse(*(landed(tmp_path / "landing", path) for path in paths)).files
    by_path = {file["path"]: (file["status"], file["reason"]) for file in files}
    assert by_path[PACKED] == (status, reason) and len(by_path) == 3
    arrivals = completeness.arrivals([[file[name] for name in completeness.COLUMNS] for file in files])
    assert completeness.coverage_of(arrivals).complete_through == datetime.fromisoformat(
        f"2026-11-22T{through}:00+00:00"
    )
