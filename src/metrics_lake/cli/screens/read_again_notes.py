"""Says which files were read again, and which keep the rows of earlier rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from metrics_lake.jobs.ingest import Ingested

LEFT = (
    "files keep the rows of earlier reading rules: landing no longer has them as they were read (put them back, then "
    "`metrics-lake ingest --again`), or a key of their days or lines of theirs are erased"
)


def write(done: Iterable[Ingested], console: Console) -> None:
    """A line for each that is not zero."""
    done = list(done)
    again, left = sum(one.again for one in done), sum(one.left for one in done)
    if again:
        console.print(f"{again} files read again from landing", highlight=False)
    if left:
        console.print(f"{left} {LEFT}", highlight=False, soft_wrap=True)
