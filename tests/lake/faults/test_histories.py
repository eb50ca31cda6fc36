"""Any history of a landing folder, with crashes, restarts, rebuilds and upkeep, ends in what plain Python says.

Few histories in `make test`, two hundred with `make slow-test`. A history that ever failed stands below as a test.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from metrics_lake.catalog import stored
from metrics_lake.io.storage.failpoints import Crash, crashing
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.upkeep import upkeep
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.run import run
from tests.lake.contents import rollups
from tests.lake.faults.conftest import packed
from tests.lake.faults.world_model import Request, documented, expected, found, listed, published
from tests.unit.sources.haproxy.logs import text

TENANTS = """
tenants:
  acme:
    name: Acme Radio
    timezone: UTC
    streams:
      live: {protocol: hls, match: {path: "/acme/live/*"}}
      fm: {protocol: icecast, match: {path: "/acme.mp3"}}
"""
PLACES = (
    "file_written", "batch_planned", "batch_read", "replacing silver.sessions", "replaced silver.sessions",
    "replaced gold.listening_by_hour", "replacing gold.listening_by_period", "replaced gold.dimensions_by_period",
    "blob_written@2", "blob_written@4", "documents_uncommitted", "documents_written", "file_written@7",
)  # fmt: skip
_STARTS = st.one_of(st.integers(0, 900), st.integers(43_000, 43_400), st.integers(86_000, 87_000))
_REQUESTS = st.lists(
    st.builds(Request, st.integers(0, 2), _STARTS, st.sampled_from([0, 0, 0, 1, 30, 400, 50_000])),
    min_size=1,
    max_size=8,
)
IN_MEMORY = Path("/dev/shm")  # where syncing a file costs nothing; what is killed here is never the machine
OLD = 946_684_800
SOON = datetime(2001, 2, 1, tzinfo=timezone.utc)  # before any row is past its days


class Histories(RuleBasedStateMachine):
    """Files come and change; the model knows which lines were there when files were read."""

    world: Callable[[Path], JobContext]

    @initialize(first=_REQUESTS)
    def begin(self, first: list[Request]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="history-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        (self.folder / "tenants.yaml").write_text(TENANTS)
        self.work = type(self).world(self.folder)
        self.numbers = itertools.count()
        self.files: dict[str, list[Request]] = {}
        self.cut: set[str] = set()
        self.read: set[Request] = set()
        self.is_broken_off, self.is_new, self.is_kept = False, True, False
        self._write(f"{next(self.numbers)}.log.gz", first)

    def _write(self, name: str, requests: list[Request], *, length: float = 1.0) -> None:
        file = self.folder / "landing" / "haproxy" / "edge-01" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        content = text([request.text for request in requests])
        content = packed(content) if name.endswith(".gz") else content
        file.write_bytes(content[: int(len(content) * length)])
        self.is_new, self.is_kept = True, False
        self.files[name] = requests
        self.cut = self.cut | {name} if length < 1 else self.cut - {name}

    @precondition(lambda self: not self.is_broken_off)
    @rule(requests=_REQUESTS, ending=st.sampled_from([".log", ".log.gz"]), is_late=st.booleans())
    def put(self, requests: list[Request], ending: str, is_late: bool) -> None:
        name = f"{next(self.numbers)}{ending}"
        self._write(name, requests)
        if is_late:
            os.utime(self.folder / "landing" / "haproxy" / "edge-01" / name, (OLD, OLD))

    @precondition(lambda self: not self.is_broken_off)
    @rule(draw=st.data())
    def duplicate(self, draw: st.DataObject) -> None:
        name = draw.draw(st.sampled_from(sorted(self.files)))
        other = f"{next(self.numbers)}{'.log.gz' if name.endswith('.gz') else '.log'}"
        folder = self.folder / "landing" / "haproxy" / "edge-01"
        shutil.copy(folder / name, folder / other)
        self.is_new, self.is_kept = True, False
        self.files[other] = self.files[name]
        self.cut |= {other} & {other if name in self.cut else ""}

    @precondition(lambda self: not self.is_broken_off)
    @rule(draw=st.data(), more=_REQUESTS)
    def overwrite(self, draw: st.DataObject, more: list[Request]) -> None:
        name = draw.draw(st.sampled_from(sorted(self.files)))
        self._write(name, self.files[name] + more)

    @precondition(lambda self: not self.is_broken_off)
    @rule(draw=st.data())
    def truncate(self, draw: st.DataObject) -> None:
        name = draw.draw(st.sampled_from(sorted(self.files)))
        if name.endswith(".gz"):
            self._write(name, self.files[name], length=0.6)
        else:
            self._write(name, self.files[name][: len(self.files[name]) // 2])

    @precondition(lambda self: self.is_new or self.is_broken_off)
    @rule()
    def restart(self) -> None:
        self._read()
        run(self.work)
        self.is_broken_off = self.is_new = False

    @precondition(lambda self: self.is_new or self.is_broken_off)
    @rule(place=st.sampled_from(PLACES))
    def crash(self, place: str) -> None:
        self._read()
        self.is_broken_off = True
        try:
            with crashing(place):
                run(self.work)
        except Crash:
            pass

    @precondition(lambda self: not (self.is_broken_off or self.is_kept) and self.read)
    @rule()
    def rebuild(self) -> None:
        self.read = set()
        self._read()
        done = rebuild(self.work)
        assert done.old is not None
        shutil.rmtree(done.old)
        self.is_kept, self.is_new = True, False

    @precondition(lambda self: not (self.is_broken_off or self.is_kept) and self.read)
    @rule()
    def vacuum(self) -> None:
        upkeep(self.work, stored(), SOON)
        self.is_kept = True

    def _read(self) -> None:
        self.read |= {each for name, held in self.files.items() if name not in self.cut for each in held}

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        self.restart()
        if self.read:
            assert found(self.work.settings) == (model := expected(self.read))
            for shown in (published(self.work.settings), documented(self.work.settings)):
                assert shown.keys() == model["days"].keys()
                assert all(shown[day] == pytest.approx(figures, abs=0.01) for day, figures in model["days"].items())
            assert listed(self.work.settings) == rollups(self.work.settings).keys()
        shutil.rmtree(self.folder)


_LONG = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}


def _histories(context_in: Callable[..., JobContext]) -> type[Histories]:
    def world(folder: Path) -> JobContext:
        return context_in(folder, folder / "landing", folder / "tenants.yaml", "upkeep.vacuum_days=1")

    return type("HistoriesHere", (Histories,), {"world": staticmethod(world)})


@pytest.fixture
def histories(small_in: Callable[..., JobContext]) -> type[Histories]:
    return _histories(small_in)


@pytest.fixture
def spark_histories(work_in: Callable[..., JobContext]) -> type[Histories]:
    """Those in which Spark reads landing."""
    return _histories(work_in)


def test_a_few_histories_end_as_plain_python_says(histories: type[Histories]) -> None:
    few = settings(
        max_examples=2, stateful_step_count=8, derandomize=True, phases=[Phase.explicit, Phase.generate], **_LONG
    )
    run_state_machine_as_test(histories, settings=few)


def test_days_of_which_a_rebuild_found_no_line_are_published_no_longer(histories: type[Histories]) -> None:
    history = histories()
    history.begin(first=[Request(0, 43_335)])
    history.restart()
    history._write("0.log.gz", history.files["0.log.gz"], length=0.6)
    history.rebuild()
    history.put(requests=[Request(0, 4, 1)], ending=".log", is_late=False)
    history.teardown()


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(20))
def test_two_hundred_histories_end_as_plain_python_says(spark_histories: type[Histories], part: int) -> None:
    ten = settings(max_examples=10, stateful_step_count=12, database=None, **_LONG)
    run_state_machine_as_test(seed(part)(spark_histories), settings=ten)
