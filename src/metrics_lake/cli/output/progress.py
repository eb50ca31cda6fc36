"""Progress of long steps: a moving bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from metrics_lake.io.landing.manifest import Batch
    from metrics_lake.jobs.ingest import Ingested

_SECONDS_BETWEEN_LINES = 10.0


@dataclass
class Steps:
    """Shows steps, and how far an ingest is with its files."""

    console: Console
    bar: Progress | None = None
    _task: TaskID | None = None
    _started: float = field(default_factory=time.monotonic)
    _last_line_at: float = 0.0

    def step(self, text: str) -> None:
        if self.bar is None:
            self.console.print(f"{time.monotonic() - self._started:6.1f} s  {text}")
            return
        if self._task is not None:
            self.bar.update(self._task, completed=1, total=1)
        self._task = self.bar.add_task(text, total=None)

    def ingested(self, so_far: Ingested, batch: Batch) -> None:
        size = sum(entry.size_bytes for entry in batch.entries)
        text = f"{so_far.files} files, {decimal(so_far.bytes)}, {decimal(int(so_far.bytes / self._seconds))}/s"
        if self.bar is not None and self._task is not None:
            self.bar.update(
                self._task, description=f"reading: {text}", completed=so_far.bytes, total=max(size, so_far.bytes)
            )
        elif time.monotonic() - self._last_line_at > _SECONDS_BETWEEN_LINES:
            self._last_line_at = time.monotonic()
            self.step(f"reading: {text}")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the screen to a question while the block runs."""
        if self.bar is not None:
            self.bar.stop()
        yield
        if self.bar is not None:
            self.bar.start()

    @property
    def _seconds(self) -> float:
        return max(time.monotonic() - self._started, 0.001)


@contextmanager
def shown(console: Console) -> Iterator[Steps]:
    """Shows steps on this console while the block runs."""
    if not console.is_terminal:
        yield Steps(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        yield Steps(console, bar)
