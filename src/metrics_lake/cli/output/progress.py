"""Progress of long steps: a moving bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from metrics_lake.cli.output.consoles import console as console_of

if TYPE_CHECKING:
    from metrics_lake.io.landing.manifest import Batch
    from metrics_lake.jobs.ingest import Ingested

_SECONDS_BETWEEN_LINES = 10.0
IS_QUIET: ContextVar[bool] = ContextVar("IS_QUIET", default=False)  # no progress at all: --quiet


@dataclass
class Steps:
    """Shows steps, and how far an ingest is with its files."""

    console: Console
    bar: Progress | None = None
    _task: TaskID | None = None
    _started: float = field(default_factory=time.monotonic)
    _last_line_at: float = 0.0
    _reading_since: float | None = None

    def step(self, text: str) -> None:
        if self.bar is None:
            self.console.print(f"{time.monotonic() - self._started:6.1f} s  {text}")
            return
        self.end()
        self._task = self.bar.add_task(text, total=None)

    def ingested(self, so_far: Ingested, batch: Batch) -> None:
        now = time.monotonic()
        if self._reading_since is None:  # Spark has started only now
            self._reading_since = now
        if not so_far.bytes:
            return
        size = sum(entry.size_bytes for entry in batch.entries)
        text = f"{so_far.files} files, {decimal(so_far.bytes)}{_rate(so_far.bytes, now - self._reading_since)}"
        if self.bar is not None and self._task is not None:
            self.bar.update(
                self._task, description=f"reading: {text}", completed=so_far.bytes, total=max(size, so_far.bytes)
            )
        elif now - max(self._last_line_at, self._reading_since) > _SECONDS_BETWEEN_LINES:
            self._last_line_at = now
            self.step(f"reading: {text}")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the screen to a question while the block runs."""
        if self.bar is not None:
            self.bar.stop()
        yield
        if self.bar is not None:
            self.bar.start()

    def end(self) -> None:
        """Ends the last step: its spinner stands still."""
        if self.bar is not None and self._task is not None:
            self.bar.update(self._task, completed=1, total=1)


def _rate(size: int, seconds: float) -> str:
    return f", {decimal(int(size / seconds))}/s" if seconds >= 1 else ""


@contextmanager
def shown(console: Console) -> Iterator[Steps]:
    """Shows steps on this console while the block runs."""
    if IS_QUIET.get():
        yield Steps(console_of(quiet=True))
        return
    if not console.is_terminal:
        yield Steps(console)
        return
    text = TextColumn("{task.description}", markup=False)
    with Progress(
        SpinnerColumn(finished_text=" "), text, BarColumn(bar_width=24), TimeElapsedColumn(), console=console
    ) as bar:
        steps = Steps(console, bar)
        yield steps
        steps.end()
