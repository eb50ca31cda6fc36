"""Each special case of HAProxy's logs as a folder under tests/golden: lines, settings, and the expected class of each line.

`REBUILD_GOLDEN=1` writes the expectations anew; look at the difference before you believe it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics_lake.config.settings import Haproxy

FOLDER = Path(__file__).parents[4] / "golden" / "sources" / "haproxy"
CASES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def _settings(case: Path) -> Haproxy:
    file = case / "settings.yaml"
    return Haproxy.model_validate(yaml.safe_load(file.read_text()) if file.is_file() else {})


def _rows(accounts: dict[int, str], read: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for line, account in accounts.items():
        columns = {name: value for name, value in read.get(line, {}).items() if value not in (None, False, "")}
        rows.append({"line": line, "account": account, **(columns if account in ("request", "skipped") else {})})
    return rows


@pytest.mark.parametrize("name", CASES)
def test_every_line_of_a_golden_case_ends_where_it_must(
    name: str, file_accounts: Callable[..., dict[int, str]], file_requests: Callable[..., dict[int, dict[str, Any]]]
) -> None:
    case = FOLDER / name
    data, haproxy = (case / "in.log").read_bytes(), _settings(case)
    rows = _rows(file_accounts(data, haproxy), file_requests(data, haproxy))
    expected = case / "expected.jsonl"
    if os.environ.get("REBUILD_GOLDEN"):
        expected.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert rows == [json.loads(line) for line in expected.read_text(encoding="utf-8").splitlines()]


def test_there_are_golden_cases() -> None:
    assert len(CASES) > 40
