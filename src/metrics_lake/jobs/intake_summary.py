"""What became of the lines and files that were taken in: the last line of a run, as dbt ends with its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from metrics_lake.bronze import haproxy
from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.bronze.line_shares import LACKS
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.jobs.ingest import Ingested
from metrics_lake.model.tables import View

_COUNTS = ("accepted_count", "unclaimed_count")
_SHOWN_REASONS = 3


@dataclass(frozen=True)
class IntakeSummary:
    """Lines (of reports, rows) by what became of them, and files that could not be read.

    `rejected` by reason, most first; `mostly` is how the paths of most unclaimed requests begin; `without_agent` of `requests`.
    """

    accepted: int = 0
    unclaimed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    quarantined: int = 0
    put_off: int = 0
    mostly: str = ""
    requests: int = 0
    without_agent: int = 0

    @property
    def is_trouble(self) -> bool:
        """Whether a person should look: lines or files could not be read, or no stream claims most of what came."""
        came = self.accepted + self.unclaimed
        is_unclaimed = self.unclaimed > 0 and self.unclaimed >= LACKS["unclaimed"].high * came
        return bool(self.rejected or self.quarantined or self.put_off or is_unclaimed)

    @property
    def text(self) -> str:
        """The line: `accepted 1,043, unclaimed 4 (0.4 %, mostly /x), rejected 2 (no_request 2), quarantined 0 files`."""
        rejected = sum(self.rejected.values())
        parts = [
            f"accepted {self.accepted:,}",
            f"unclaimed {self.unclaimed:,}{self._unclaimed_words()}",
            f"rejected {rejected:,}{self._reasons()}",
            f"quarantined {_files(self.quarantined)}",
        ]
        if self.put_off:
            parts.append(f"put off {_files(self.put_off)}")
        if self.without_agent:
            parts.append(f"requests without agent {_share(self.without_agent, self.requests)}")
        return ", ".join(parts)

    def _unclaimed_words(self) -> str:
        if not self.unclaimed:
            return ""
        mostly = f", mostly {self.mostly}" if self.mostly else ""
        return f" ({_share(self.unclaimed, self.accepted + self.unclaimed)}{mostly})"

    def _reasons(self) -> str:
        shown = [f"{reason} {count:,}" for reason, count in list(self.rejected.items())[:_SHOWN_REASONS]]
        more = ["…"] if len(self.rejected) > _SHOWN_REASONS else []
        return f" ({', '.join([*shown, *more])})" if shown else ""


def summarise(lake: str, ingested: Mapping[str, Ingested]) -> IntakeSummary:
    """The summary of what each feed ingested; a feed that took nothing in is not read."""
    tables = DeltaTables(lake)
    counts = [_counts(tables, feed.files, ingested[feed.name]) for feed in FEEDS if feed.name in ingested]
    logs = ingested.get(haproxy.FEED.name, Ingested())
    is_new = pl.col("batch_number") > logs.after_batch
    mostly, requests, without_agent = _of_logs(tables, is_new) if logs.files or logs.again else ("", 0, 0)
    return IntakeSummary(
        accepted=sum(accepted for accepted, _ in counts),
        unclaimed=sum(unclaimed for _, unclaimed in counts),
        rejected=_most_first(done.rejected for done in ingested.values()),
        quarantined=sum(len(done.quarantined) for done in ingested.values()),
        put_off=sum(len(done.put_off) for done in ingested.values()),
        mostly=mostly,
        requests=requests,
        without_agent=without_agent,
    )


def _counts(tables: DeltaTables, files: View, done: Ingested) -> tuple[int, int]:
    """Accepted and unclaimed lines of the batches that a feed ingested."""
    if not (done.files or done.again):
        return 0, 0
    rows = tables.frame(files, pl.col("batch_number") > done.after_batch, _COUNTS)
    accepted, unclaimed = rows.select(pl.col(*_COUNTS).fill_null(0).sum()).row(0)
    return int(accepted), int(unclaimed)


def _of_logs(tables: DeltaTables, is_new: pl.Expr) -> tuple[str, int, int]:
    """How most unclaimed paths begin; requests, and those without an agent."""
    paths = tables.frame(haproxy.UNCLAIMED_PATHS, is_new, ("path_start", "line_count"))
    most = paths.group_by("path_start").agg(pl.col("line_count").sum()).sort(-pl.col("line_count"), "path_start")
    mostly = (most["path_start"][0] or "(no path)") if most.height else ""
    frontends = tables.frame(haproxy.FRONTENDS, is_new, ("line_count", "without_agent_count"))
    requests, without_agent = frontends.select(pl.col("line_count", "without_agent_count").fill_null(0).sum()).row(0)
    return mostly, int(requests), int(without_agent)


def _most_first(rejected: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for of_feed in rejected:
        for reason, count in of_feed.items():
            total[reason] = total.get(reason, 0) + count
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 1 else f"{max(share, 0.1):.1f} %"
