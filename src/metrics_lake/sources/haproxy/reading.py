"""From landed files to rows of `bronze.haproxy`: chunk by chunk, and one row for each file and proxy at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import polars as pl

from metrics_lake.config.settings import Rules
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.privacy.line_shapes import path_element, shape
from metrics_lake.privacy.redaction import Names
from metrics_lake.sources.file_content import as_utf8
from metrics_lake.sources.haproxy import log_lines, neighbours, streams
from metrics_lake.sources.haproxy.accounts import Account, Tally, file_rows
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.frontends import frontend_rows
from metrics_lake.sources.haproxy.line_classes import ClassifiedLines, classify_lines
from metrics_lake.sources.haproxy.proxies import HeaderHosts, chosen, doubted, host_of, hosts_in
from metrics_lake.sources.haproxy.visits import fold, with_ends
from metrics_lake.sources.landed_file import DUPLICATE, EMPTY, QUARANTINED, InputFile, UnreadableFile

VISIT, REJECT, UNCLAIMED, COUNTER = "visit", "reject", "unclaimed", "counter"
_CHUNK_BYTES = 8 << 20
_HEADER_BYTES = 400  # more than a syslog header takes
_STAMP = re.compile(rb"\d\d:\d\d:\d\d|\d{10}|\d{4}-\d\d-\d\d")  # a time of day, a date, or seconds since 1970
# Counts of a file, each with its frame in ClassifiedLines.
_COUNTS = {"accepted": "accepted", "reject": "rejects", "unclaimed": "unclaimed", "skipped": "skipped"}


@dataclass
class _Chunk:
    """Pieces of several files that are parsed together, so that many small files are cheap."""

    hosts: HeaderHosts
    accounts: dict[int, Account] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    first_lines: dict[int, int] = field(default_factory=dict)
    unfinished: set[int] = field(default_factory=set)
    size: int = 0

    def add(self, number: int, account: Account, piece: bytes, *, is_last: bool) -> None:
        text = piece.decode("utf-8", errors="replace").replace("\0", "")
        if account.line_count == 0:
            text = text.removeprefix("\ufeff")
            account.hosts = hosts_in(text)
            account.choice = doubted(account.choice, account.hosts)
        if is_last and text and not text.endswith("\n"):
            self.unfinished.add(number)
        text = text.removesuffix("\n")
        self.accounts[number], self.texts[number] = account, text
        self.first_lines[number] = account.line_count + 1
        line_count = text.count("\n") + 1
        account.line_count += line_count
        account.tally().line_count += line_count
        self.size += len(text)
        if account.choice.is_by_header:
            self.hosts.add(number, account.choice, account.host)

    def owner(self, number: int) -> tuple[Account, str | None]:
        """The account of a file's number, or of a part's, with the part's host."""
        file_number, host = self.hosts.parts.get(number, (number, None))
        return self.accounts[file_number], host

    def tally(self, number: int) -> Tally:
        """The tally of a file's number, or of a part's."""
        account, host = self.owner(number)
        return account.tally(host)


def parse(files: Iterable[InputFile], rules: Rules, hasher: Hasher) -> Iterator[pl.DataFrame]:
    """Rows of `bronze.haproxy`, frame by frame; a frame lacks the columns that its kind of row doesn't fill."""
    names, numbers, finished = hasher.names, count(), list[Account]()
    chunk, known = _Chunk(HeaderHosts(numbers)), FileTimes(read_ms=rules.read_ms)
    for file in files:
        account = Account(file, chosen(file.entry.path, rules.haproxy))
        finished.append(account)
        for piece, is_last in _pieces(account):
            number = next(numbers)
            known.paths[number] = file.true_path
            if account.line_count == 0:
                neighbours.register_lookups(file, rules.haproxy, known, numbers, in_pieces=not is_last)
            chunk.add(number, account, piece, is_last=is_last)
            if chunk.size >= _CHUNK_BYTES:
                yield from _rows(chunk, rules, hasher, known, names)
                chunk = _Chunk(HeaderHosts(numbers))
    yield from _rows(chunk, rules, hasher, known, names)
    if finished:
        yield file_rows(finished, names, known.captures, rules)


def _pieces(account: Account) -> Iterator[tuple[bytes, bool]]:
    """A file's pieces, each with whether it is the last. If the file isn't read, its account gets the status and reason."""
    before = None
    try:
        if account.file.entry.is_duplicate and _is_copy(account):
            return
        for piece in as_utf8(account.file.pieces()):
            if before is not None:
                yield before, False
            before = piece
        if before:
            yield before, True
    except UnreadableFile as error:
        account.status, account.reason = QUARANTINED, error.reason
        return
    if not account.line_count and not before:
        account.status = EMPTY


def _is_copy(account: Account) -> bool:
    """Whether a file with known bytes is a copy. Without a timestamp in its lines it may be the file of another hour."""
    line_count, has_stamp, host = 0, False, None
    for piece in as_utf8(account.file.pieces()):
        line_count += piece.count(b"\n") + (not piece.endswith(b"\n"))
        has_stamp = has_stamp or _STAMP.search(piece) is not None
        host = host or host_of(piece[:_HEADER_BYTES].decode("utf-8", errors="replace"))
    if has_stamp:
        account.status, account.host = DUPLICATE, host if account.choice.counts(host) else None
        tally = account.tally()
        account.line_count = tally.line_count = tally.counts["skipped"] = line_count
    return has_stamp


def _rows(chunk: _Chunk, rules: Rules, hasher: Hasher, known: FileTimes, names: Names) -> Iterator[pl.DataFrame]:
    if not chunk.texts:
        return
    numbered = log_lines.number_lines(chunk.texts, chunk.first_lines)
    classified = classify_lines(numbered, rules, hasher, unfinished=chunk.unfinished, files=known, hosts=chunk.hosts)
    _count(chunk, classified)
    file_columns = _file_columns(chunk, rules, names)
    visits, rejects = _visit_rows(classified.accepted, rules), _reject_rows(classified.rejects)
    unclaimed, counters = _unclaimed_rows(classified.unclaimed, names), _counter_rows(classified.counters, names)
    for rows in (visits, rejects, unclaimed, counters, frontend_rows(classified.frontends, rules, names)):
        if rows.height:
            dated = rows.join(file_columns, on="file_number", how="left")
            if "happened_on" not in rows.columns:
                dated = dated.with_columns(happened_on="file_on")
            yield dated.drop("file_number", "file_on")


def _file_columns(chunk: _Chunk, rules: Rules, names: Names) -> pl.DataFrame:
    """For each file and part of a chunk: batch_number, file_id, proxy, and the day of its rows that have no instant."""
    rows = []
    for number in (*chunk.accounts, *chunk.hosts.parts):
        account, host = chunk.owner(number)
        file, proxy = account.file, account.proxy(host, names)
        rows.append((number, file.batch_number, file.entry.file_id, proxy, account.dated_ms(rules)))
    schema = {
        "file_number": pl.UInt32, "batch_number": pl.Int64, "file_id": pl.String, "proxy": pl.String, "file_ms": pl.Int64,
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(file_on=_instant("file_ms").dt.date()).drop("file_ms")


def _count(chunk: _Chunk, classified: ClassifiedLines) -> None:
    for number, main in chunk.hosts.main.items():
        chunk.accounts[number].host = main
    for number, line_count in classified.part_lines.iter_rows():
        account, host = chunk.owner(number)
        account.tally(host).line_count += line_count
        account.tally().line_count -= line_count
    for number, low, high in classified.spans.iter_rows():
        chunk.tally(number).extend(low, high)
    for number, extra_count in classified.unwrapped.iter_rows():
        chunk.tally(number).line_count += extra_count
    for kind, frame in _COUNTS.items():
        for number, line_count in getattr(classified, frame)["file_number"].value_counts().iter_rows():
            chunk.tally(number).counts[kind] += line_count


def _instant(column: str) -> pl.Expr:
    return pl.from_epoch(pl.col(column), time_unit="ms").dt.replace_time_zone("UTC")


def _visit_rows(accepted: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    runs = fold(with_ends(accepted))
    known = streams.table(rules.tenants).select("stream_number", "tenant", "stream", "protocol")
    first, last, last_request = _instant("first_ms"), _instant("last_ms"), _instant("last_request_ms")
    return (
        runs.join(known, on="stream_number", how="left")
        .with_columns(
            row_kind=pl.lit(VISIT),
            happened_on=first.dt.date(),
            first_at=first,
            last_at=last,
            last_request_at=last_request,
            gap_seconds=pl.col("gap_ms") / 1000,
            segment_seconds=pl.col("segment_ms") / 1000,
        )
        .drop("run", "stream_number", "first_ms", "last_ms", "last_request_ms", "gap_ms", "segment_ms")
    )


def _reject_rows(rejects: pl.DataFrame) -> pl.DataFrame:
    return rejects.select(
        "file_number", "line_number", "reason", row_kind=pl.lit(REJECT), masked_text=shape(pl.col("text"))
    )


def _unclaimed_rows(unclaimed: pl.DataFrame, names: Names) -> pl.DataFrame:
    start = path_element(pl.col("path").fill_null("").str.extract(r"^(/?[^/]*)")).str.slice(0, 64)
    return (
        unclaimed.select("file_number", _frontends(unclaimed, names), path_start=start)
        .group_by("file_number", "frontend", "path_start", maintain_order=True)
        .agg(pl.len().alias("line_count"))
        .with_columns(row_kind=pl.lit(UNCLAIMED))
    )


def _frontends(rows: pl.DataFrame, names: Names) -> pl.Expr:
    """The column `frontend`, redacted."""
    frontends = rows["frontend"].drop_nulls().unique().to_list()
    return pl.col("frontend").replace({frontend: names.redact_path(frontend) for frontend in frontends})


def _counter_rows(counters: pl.DataFrame, names: Names) -> pl.DataFrame:
    hour = _instant("hour_ms")
    return counters.with_columns(
        row_kind=pl.lit(COUNTER), hour_at=hour, happened_on=hour.dt.date(), frontend=_frontends(counters, names)
    ).drop("hour_ms")
