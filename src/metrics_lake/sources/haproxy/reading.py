"""From landed files to rows of `bronze.haproxy`: chunk by chunk, and one row for each file at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import polars as pl

from metrics_lake.config.settings import Rules
from metrics_lake.privacy.hashing import Hasher, masked
from metrics_lake.privacy.redaction import Names
from metrics_lake.sources.haproxy import log_lines, neighbours, streams
from metrics_lake.sources.haproxy.captures import COLUMNS as CAPTURES
from metrics_lake.sources.haproxy.captures import columns_of
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.frontends import frontend_rows
from metrics_lake.sources.haproxy.line_classes import ClassifiedLines, classify_lines
from metrics_lake.sources.haproxy.visits import fold, with_ends
from metrics_lake.sources.landed_file import DUPLICATE, EMPTY, QUARANTINED, READ, InputFile, UnreadableFile

VISIT, REJECT, UNCLAIMED, FILE, COUNTER = "visit", "reject", "unclaimed", "file", "counter"
_CHUNK_BYTES = 8 << 20
_STAMP = re.compile(rb"\d\d:\d\d:\d\d|\d{10}|\d{4}-\d\d-\d\d")  # a time of day, a date, or seconds since 1970
# Counts of a file, each with its frame in ClassifiedLines.
_COUNTS = {"accepted": "accepted", "reject": "rejects", "unclaimed": "unclaimed", "skipped": "skipped"}


@dataclass
class _Account:
    """The counts and times of a file, updated while its lines are parsed."""

    file: InputFile
    status: str = READ
    reason: str | None = None
    host: str | None = None  # in the syslog header of the first line
    line_count: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    first_ms: int | None = None
    last_ms: int | None = None


@dataclass
class _Chunk:
    """Pieces of several files that are parsed together, so that many small files are cheap."""

    accounts: dict[int, _Account] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    first_lines: dict[int, int] = field(default_factory=dict)
    unfinished: set[int] = field(default_factory=set)
    size: int = 0

    def add(self, number: int, account: _Account, piece: bytes, *, is_last: bool) -> None:
        text = piece.decode("utf-8", errors="replace").replace("\0", "")
        if account.line_count == 0:
            text = text.removeprefix("\ufeff")
            account.host = log_lines.host_of(text[:200])
        if is_last and text and not text.endswith("\n"):
            self.unfinished.add(number)
        text = text.removesuffix("\n")
        self.accounts[number], self.texts[number] = account, text
        self.first_lines[number] = account.line_count + 1
        account.line_count += text.count("\n") + 1
        self.size += len(text)


def parse(files: Iterable[InputFile], rules: Rules, hasher: Hasher) -> Iterator[pl.DataFrame]:
    """Rows of `bronze.haproxy`, frame by frame; a frame lacks the columns that its kind of row doesn't fill."""
    names = hasher.names
    numbers, chunk, finished, known = count(), _Chunk(), list[_Account](), FileTimes(read_ms=rules.read_ms)
    for file in files:
        account = _Account(file)
        finished.append(account)
        for piece, is_last in _pieces(account):
            number = next(numbers)
            known.paths[number] = file.true_path
            if account.line_count == 0:
                neighbours.register_lookups(file, rules.haproxy, known, numbers, in_pieces=not is_last)
            chunk.add(number, account, piece, is_last=is_last)
            if chunk.size >= _CHUNK_BYTES:
                yield from _rows(chunk, rules, hasher, known, names)
                chunk = _Chunk()
    yield from _rows(chunk, rules, hasher, known, names)
    if finished:
        yield _file_rows(finished, names, known)


def _pieces(account: _Account) -> Iterator[tuple[bytes, bool]]:
    """A file's pieces, each with whether it is the last. If the file isn't read, its account gets the status and reason."""
    before = None
    try:
        if account.file.entry.is_duplicate and _is_copy(account):
            return
        for piece in account.file.pieces():
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


def _is_copy(account: _Account) -> bool:
    """Whether a file with known bytes is a copy. Without a timestamp in its lines it may be the file of another hour."""
    line_count, has_stamp, host = 0, False, None
    for piece in account.file.pieces():
        line_count += piece.count(b"\n") + (not piece.endswith(b"\n"))
        has_stamp = has_stamp or _STAMP.search(piece) is not None
        host = host or log_lines.host_of(piece[:200].decode("utf-8", errors="replace"))
    if has_stamp:
        account.status, account.host = DUPLICATE, host
        account.line_count = account.counts["skipped"] = line_count
    return has_stamp


def _rows(chunk: _Chunk, rules: Rules, hasher: Hasher, known: FileTimes, names: Names) -> Iterator[pl.DataFrame]:
    if not chunk.texts:
        return
    numbered = log_lines.number_lines(chunk.texts, chunk.first_lines)
    classified = classify_lines(numbered, rules, hasher, unfinished=chunk.unfinished, files=known)
    _count(chunk.accounts, classified)
    file_columns = _file_columns(chunk)
    visits, rejects = _visit_rows(classified.accepted, rules), _reject_rows(classified.rejects)
    unclaimed, counters = _unclaimed_rows(classified.unclaimed, names), _counter_rows(classified.counters, names)
    for rows in (visits, rejects, unclaimed, counters, frontend_rows(classified.frontends, rules, names)):
        if rows.height:
            dated = rows.join(file_columns, on="file_number", how="left")
            if "happened_on" not in rows.columns:
                dated = dated.with_columns(happened_on="file_on")
            yield dated.drop("file_number", "file_on")


def _file_columns(chunk: _Chunk) -> pl.DataFrame:
    """For each file of a chunk: batch_number, file_id and the day of its rows that have no instant."""
    rows = [
        (number, account.file.batch_number, account.file.entry.file_id, account.first_ms or 0)
        for number, account in chunk.accounts.items()
    ]
    schema = {"file_number": pl.UInt32, "batch_number": pl.Int64, "file_id": pl.String, "file_ms": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(file_on=_instant("file_ms").dt.date()).drop("file_ms")


def _count(accounts: dict[int, _Account], classified: ClassifiedLines) -> None:
    for number, low, high in classified.spans.iter_rows():
        account = accounts[number]
        account.first_ms = low if account.first_ms is None else min(low, account.first_ms)
        account.last_ms = high if account.last_ms is None else max(high, account.last_ms)
    for kind, frame in _COUNTS.items():
        for number, line_count in getattr(classified, frame)["file_number"].value_counts().iter_rows():
            accounts[number].counts[kind] += line_count


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
        "file_number", "line_number", "reason", row_kind=pl.lit(REJECT), masked_text=masked(pl.col("text"))
    )


def _unclaimed_rows(unclaimed: pl.DataFrame, names: Names) -> pl.DataFrame:
    start = masked(pl.col("path").fill_null("").str.extract(r"^(/?[^/]*)")).str.slice(0, 64)
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


def _file_rows(accounts: list[_Account], names: Names, known: FileTimes) -> pl.DataFrame:
    rows = [
        {**_file_row(account, names), **columns_of(known.captures.get(account.file.true_path), names)}
        for account in accounts
    ]
    frame = pl.DataFrame(
        rows, infer_schema_length=None, schema_overrides={name: pl.List(pl.String) for name in CAPTURES}
    )
    times = [_instant(name).alias(name.replace("_ms", "_logged_at")) for name in ("first_ms", "last_ms")]
    frame = frame.with_columns(pl.col("first_ms", "last_ms").cast(pl.Int64)).with_columns(*times)
    return frame.with_columns(
        happened_on=pl.from_epoch(pl.col("first_ms").fill_null(0), time_unit="ms").dt.date()
    ).drop("first_ms", "last_ms")


def _file_row(account: _Account, names: Names) -> dict[str, object]:
    entry = account.file.entry
    counts = {f"{kind}_count": number for kind, number in account.counts.items()}
    return {
        "row_kind": FILE,
        "batch_number": account.file.batch_number,
        "file_id": entry.file_id,
        "path": entry.path,
        "size_bytes": entry.size_bytes,
        "content_hash": entry.content_hash,
        "status": account.status,
        "reason": account.reason,
        "proxy": names.redact_path(account.host) if account.host else _folder(entry.path),
        "first_ms": account.first_ms,
        "last_ms": account.last_ms,
        "line_count": account.line_count,
        **counts,
    }


def _folder(path: str) -> str:
    """The folders of a path that name the host: those below the feed's own folder, without dates."""
    folders = path.split("/")[1:-1]
    return "/".join(name for name in folders if not re.fullmatch(r"\d+|\d{4}-\d\d(-\d\d)?", name))
