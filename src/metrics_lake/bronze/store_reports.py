"""The rows of app store reports: each row as reported, rejects, and files.

It is one table for all stores, with kinds of rows, so that one intake reads them. Silver decides which file counts, so
that an older file that arrives late can't replace a newer one.
"""

from __future__ import annotations

from metrics_lake.model.feeds import Feed
from metrics_lake.model.tables import Table, View
from metrics_lake.sources.stores import app_store_sales, google_play_installs
from metrics_lake.sources.stores.reports import FILE, REJECT, STORES, is_any_app_named, parse

TABLE = Table(
    "bronze.store_reports",
    pruned_by=("row_kind", "batch_number", "downloaded_on"),
    columns="""
    row_kind STRING NOT NULL COMMENT 'What the row is: app_store, google_play, reject or file'
    batch_number BIGINT NOT NULL COMMENT 'Which batch of landing files the row came with'
    file_id STRING NOT NULL COMMENT 'Which file: the first 16 hex digits of its content_hash'
    path STRING NOT NULL COMMENT 'Where the file lies below landing'
    written_at TIMESTAMP NOT NULL COMMENT 'When the file was written, UTC: by the stamp in its name, else by its own time'
    is_stamped BOOLEAN COMMENT 'Whether a stamp in its name tells when it was written; null in rows of older versions'
    store STRING NOT NULL COMMENT 'apple or google'
    vendor STRING COMMENT 'Of Apple: the vendor number in the name of the file'
    downloaded_on DATE COMMENT 'Day of the store; of a file: the one day that it covers; of a reject: where it can be read'
    app STRING COMMENT 'Apple identifier, or name of the package'
    dimension STRING COMMENT 'Of Google: what the report is told by: overview, country or device'
    country STRING COMMENT 'Country as the store codes it; ZZ where it names none'
    device STRING COMMENT 'Device as the store names it'
    product_type STRING COMMENT 'Of Apple: the Product Type Identifier'
    product_kind STRING COMMENT 'What that means: download, redownload, update, bundle, in_app or other'
    units BIGINT COMMENT 'Of Apple: how many; below zero for refunds'
    downloads BIGINT COMMENT 'Of Google: first installs, by the column in which this file shows life; null where it does not say'
    downloads_from STRING COMMENT 'Of Google: which column that is'
    user_installs BIGINT COMMENT 'Of Google: Daily User Installs as reported'
    install_events BIGINT COMMENT 'Of Google: Install events as reported'
    device_installs BIGINT COMMENT 'Of Google: Daily Device Installs as reported'
    updates BIGINT COMMENT 'Of Google: installs of a newer version'
    uninstalls BIGINT COMMENT 'Of Google: removals'
    active_devices BIGINT COMMENT 'Of Google: devices that have the app and were on of late'
    row_number BIGINT COMMENT 'Which row below the header, from 1'
    reason STRING COMMENT 'Of a reject or a file in quarantine: why'
    masked_text STRING COMMENT 'Of a reject: the shape of its cells, letters as a and digits as 9'
    size_bytes BIGINT COMMENT 'Of a file: its size as it lies there'
    content_hash STRING COMMENT 'Of a file: SHA-256 of its bytes'
    status STRING COMMENT 'Of a file: read, empty or quarantined'
    row_count BIGINT COMMENT 'Of a file: its rows below the header'
    accepted_count BIGINT COMMENT 'Of a file: rows of apps that a tenant named when it was read'
    unclaimed_count BIGINT COMMENT 'Of a file: rows of apps that no tenant named'
    reject_count BIGINT COMMENT 'Of a file: rows that could not be read'
    skipped_count BIGINT COMMENT 'Of a file: blank rows, rows without a figure, and repetitions'
    doubled_count BIGINT COMMENT 'Of a file: rows that repeat another word for word, which counts once'
    is_unended BOOLEAN COMMENT 'Of a file: whether its last line has no line end, as where it was cut'
    unknown_columns STRING COMMENT 'Of a file: columns of its header that nothing knows, and so nothing reads'
    """,
)

_COMMON = ("batch_number", "file_id", "path", "written_at", "is_stamped", "store")
_ROW = ("downloaded_on", "app", "country", "device", "row_number")

APP_STORE = View(
    "bronze.app_store",
    TABLE,
    app_store_sales.FOLDER,
    (*_COMMON, *_ROW, "vendor", "product_type", "product_kind", "units"),
)
GOOGLE_PLAY = View(
    "bronze.google_play",
    TABLE,
    google_play_installs.FOLDER,
    (
        *_COMMON,
        *_ROW,
        "dimension",
        "downloads",
        "downloads_from",
        *google_play_installs.COLUMNS_OF_DOWNLOADS,
        "updates",
        "uninstalls",
        "active_devices",
    ),
)
REJECTS = View(
    "bronze.store_rejects",
    TABLE,
    REJECT,
    (*_COMMON, "downloaded_on", "app", "dimension", "row_number", "reason", "masked_text"),
)
FILES = View(
    "bronze.store_files",
    TABLE,
    FILE,
    (*_COMMON, "vendor", "downloaded_on", "reason", *TABLE.names[TABLE.names.index("size_bytes") :]),
)
VIEWS = (APP_STORE, GOOGLE_PLAY, REJECTS, FILES)

FEED = Feed(
    name="store_reports",
    folders=tuple(STORES),
    parse=parse,
    table=TABLE,
    views=VIEWS,
    checkpoint="ingest_downloads",
    declared_in=__name__,
    noun="store reports",
    is_needed=is_any_app_named,
)
