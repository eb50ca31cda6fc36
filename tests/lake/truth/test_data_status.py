"""How far data is complete, and what part of it is missing, is told alike by every rollup, however the files came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run
from tests.lake.contents import differences, whole

STREAM = {"protocol": "icecast", "match": {"path": "/acme.mp3"}}
TENANTS = {"tenants": {"acme": {"timezone": "UTC", "streams": {"fm": STREAM}}}}
NUMBERED = 'haproxy.formats={"*": ["%ci:%cp [%tr] %ft %b/%s %Ta %ST %B %{+Q}r %lc %pid"]}'


def plain(on: str, number: int) -> str:
    return f'198.51.100.7:5000 [{on}/2026:10:00:00.000] web bk/s 0/0/0/0/9000 200 1 - - ---- 5/4/3/2/0 0/0 "{_ASKED}"\n'


def numbered(on: str, number: int) -> str:
    return f'198.51.100.7:5000 [{on}/2026:10:00:00.000] web bk/s 9000 200 1 "{_ASKED}" {number} 7\n'


_ASKED = "GET /acme.mp3 HTTP/1.1"


FIRST_TO_LAST, LAST_TO_FIRST = (0, 1, 2), (2, 1, 0)


@pytest.mark.parametrize(
    ("line", "more", "order"),
    [
        (plain, [], LAST_TO_FIRST),
        (numbered, [NUMBERED], FIRST_TO_LAST),
        pytest.param(plain, [], FIRST_TO_LAST, marks=pytest.mark.slow),
        pytest.param(numbered, [NUMBERED], LAST_TO_FIRST, marks=pytest.mark.slow),
    ],
)
def test_a_file_of_other_days_leaves_no_rollup_with_an_older_data_status(
    line: Callable[[str, int], str],
    more: list[str],
    order: tuple[int, ...],
    small_in: Callable[..., JobContext],
    tmp_path: Path,
) -> None:
    files = [line(on, number) for on, number in (("22/Feb", 3), ("08/Mar", 9), ("10/May", 20))]

    def lake(runs: Any) -> dict[str, Any]:
        folder = tmp_path / "-".join(str(place) for places in runs for place in [len(places), *places])
        landing = folder / "landing" / "haproxy" / "edge-01"
        landing.mkdir(parents=True)
        (folder / "tenants.yaml").write_text(yaml.safe_dump(TENANTS))
        work = small_in(folder, folder / "landing", folder / "tenants.yaml", *more)
        for places in runs:
            for place in places:
                (landing / f"{place}.log").write_text(files[place])
            run(work)
        return whole(work)

    assert not differences(lake([range(3)]), lake([[place] for place in order]))
