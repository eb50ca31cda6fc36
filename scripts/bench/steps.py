"""What a side's process tells of itself: when it was ready, and how long each step took. One JSON line on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from machine import tree_cpu_seconds


@dataclass
class Steps:
    """`ready_at` is on the clock of time.time(), so that the process that measures can tell the start-up."""

    ready_at: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def ready(self) -> None:
        self.ready_at = time.time()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started, before = time.monotonic(), tree_cpu_seconds(os.getpid())
        yield
        self.seconds[name] = time.monotonic() - started
        self.cpu_seconds[name] = tree_cpu_seconds(os.getpid()) - before

    def tell(self) -> None:
        sys.stdout.write("\n" + json.dumps(asdict(self)) + "\n")
