"""The reports of app stores: from the bytes of a file to rows of `bronze.store_reports`.

Every row of a report is counted in exactly one class: accepted (an app of a tenant), unclaimed (an app that no tenant
lists; it is stored, and counts as soon as a tenant lists it), reject (can't be parsed) or skipped (blank, a duplicate,
or without a figure).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from types import ModuleType

import polars as pl

from metrics_lake.config.settings import Rules
from metrics_lake.privacy.hashing import Hasher, masked
from metrics_lake.privacy.line_shapes import shape
from metrics_lake.sources.landed_file import EMPTY, QUARANTINED, READ, InputFile, UnreadableFile
from metrics_lake.sources.stores import app_store_sales, google_play_installs
from metrics_lake.sources.stores.raw_table import ROW, RawTable, ReportRows, decode, parse_table

REJECT, FILE = "reject", "file"
_COUNTS = ("row_count", "accepted_count", "unclaimed_count", "reject_count", "skipped_count", "doubled_count")
_NOTHING = dict.fromkeys(_COUNTS, pl.lit(0, pl.Int64))
STORES: dict[str, ModuleType] = {module.FOLDER: module for module in (app_store_sales, google_play_installs)}
_MOST_BYTES = 256 << 20  # a month of every country has some 100 kB
_STAMP = re.compile(r"\.(\d{8}T\d{6}Z)\.")


def is_any_app_named(rules: Rules) -> bool:
    """Whether any tenant has an app; without one no report is read."""
    return any(tenant.apps for tenant in rules.tenants.tenants.values())


def parse(files: Iterable[InputFile], rules: Rules, hasher: Hasher) -> Iterator[pl.DataFrame]:
    """Rows of `bronze.store_reports`, file by file; a frame lacks the columns that its kind of row doesn't fill.

    Reports name nobody, so nothing is hashed.
    """
    apps: set[tuple[str, str]] = {
        (app.store, app.id) for tenant in rules.tenants.tenants.values() for app in tenant.apps
    }
    for file in files:
        yield from _parse_file(file, apps)


def _parse_file(file: InputFile, apps: set[tuple[str, str]]) -> Iterator[pl.DataFrame]:
    store = STORES[file.entry.path.partition("/")[0]]
    file_row = _file_row(file, store)
    try:
        text = decode(_content(file))
        if not text.strip():
            yield file_row.with_columns(row_kind=pl.lit(FILE), status=pl.lit(EMPTY), **_NOTHING)
            return
        table = parse_table(text)
        rows: ReportRows = store.read(table, file.true_path)
        if not rows.accepted.height and rows.rejects.height:
            raise UnreadableFile(rows.rejects["reason"][0])
    except UnreadableFile as error:
        yield file_row.with_columns(row_kind=pl.lit(FILE), status=pl.lit(QUARANTINED), reason=pl.lit(error.reason))
        return
    common = file_row.select("batch_number", "file_id", "path", "written_at", "is_stamped", "store", "vendor")
    if rows.accepted.height:
        yield rows.accepted.join(common, how="cross").with_columns(row_kind=pl.lit(store.FOLDER))
    if rows.rejects.height:
        yield _reject_rows(table, rows.rejects).join(common, how="cross")
    yield file_row.with_columns(**_account(table, rows, store, apps))


def _content(file: InputFile) -> bytes:
    """All of a report: its rows decide together, so it has to be in memory as a whole."""
    pieces, size = list[bytes](), 0
    for piece in file.pieces():
        size += len(piece)
        if size > _MOST_BYTES:
            raise UnreadableFile("too_large")
        pieces.append(piece)
    return b"".join(pieces)


def _file_row(file: InputFile, store: ModuleType) -> pl.DataFrame:
    """One row with the properties of a file that are known before it is parsed."""
    entry, stamp = file.entry, stamped_at(file.true_path)
    row = {
        "batch_number": file.batch_number,
        "file_id": entry.file_id,
        "path": entry.path,
        "written_at": stamp or datetime.fromisoformat(entry.seen_at or entry.modified_at),
        "is_stamped": stamp is not None,
        "store": store.STORE,
        "vendor": app_store_sales.vendor_and_day(file.true_path)[0] if store is app_store_sales else None,
        "size_bytes": entry.size_bytes,
        "content_hash": entry.content_hash,
    }
    return pl.DataFrame([row], schema_overrides={"vendor": pl.String(), "written_at": pl.Datetime("us", "UTC")})


def stamped_at(path: str) -> datetime | None:
    """When a report was written, by the timestamp in its name, which every copy keeps."""
    match = _STAMP.search(path)
    try:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc) if match else None
    except ValueError:
        return None


def _reject_rows(table: RawTable, rejects: pl.DataFrame) -> pl.DataFrame:
    line = pl.concat_str([pl.col(name).fill_null("") for name in table.names], separator="\t")
    texts = table.frame.select(ROW, masked_text=shape(line), row_kind=pl.lit(REJECT))
    return rejects.join(texts, on=ROW, maintain_order="left")


def _account(table: RawTable, rows: ReportRows, store: ModuleType, apps: set[tuple[str, str]]) -> dict[str, pl.Expr]:
    """The counts of a report's rows."""
    own_apps = [app for app_store, app in apps if app_store == store.STORE]
    unknown = [name for name in table.names if name not in store.COLUMNS]
    claimed = rows.accepted.filter(pl.col("app").is_in(own_apps)).height if rows.accepted.height else 0
    doubled = table.doubled_count
    total, skipped = table.frame.height + table.blank_count + doubled, rows.skipped_count + doubled
    numbers = (total, claimed, rows.accepted.height - claimed, rows.rejects.height, skipped, doubled)
    return {
        "row_kind": pl.lit(FILE),
        "status": pl.lit(READ),
        "downloaded_on": pl.lit(rows.covers_on, pl.Date),
        "unknown_columns": masked(pl.lit(", ".join(unknown) or None, pl.String)),
        "is_unended": pl.lit(table.is_unended),
        **{name: pl.lit(number, pl.Int64) for name, number in zip(_COUNTS, numbers, strict=True)},
    }
