"""What a metric is: a table of gold, its grain, and the function that works it out. One signature for all of a grain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from metrics_lake.model.tables import Table

Grain = Literal["day", "period", "month"]


class MetricError(ValueError):
    """A metric is declared in a way that no job can work out; the message names it."""


@dataclass(frozen=True)
class Metric:
    """An answer, declared at the end of its module in gold; the module's docstring opens with the question.

    - day: `compute(day)` gives the table's rows of one tenant's day (`gold.parts.Day`), but for tenant and listened_on.
    - period: `share(part)` gives frames of what a part of a tenant's listeners (`gold.parts.Share`) adds to each period, and
      `compute(frames, minimum_group)` makes the table's rows of the frames of all parts, which have a column `tenant` more.
    - month: `compute(rows)` gives the table's rows of whole months of the table of silver that it is made from.
    """

    table: Table
    grain: Grain
    compute: Callable[..., Any]
    share: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if self.grain not in get_args(Grain):
            raise MetricError(f"{self.table.name}: the grain of a metric is one of {', '.join(get_args(Grain))}")
        if (self.share is not None) != (self.grain == "period"):
            raise MetricError(f"{self.table.name}: a metric has a share just where its grain is period")

    @property
    def name(self) -> str:
        """The table's name without its layer, as `--metric` takes it."""
        return self.table.name.partition(".")[2]
