"""The rows from HAProxy's logs: visits, rejects, unclaimed requests, counters, frontends and files, as kinds of rows of one table.

It is one table so that a batch of files is one commit: the lines of a file and its own row are always written together.
"""

from __future__ import annotations

from datetime import timedelta

from metrics_lake.model import dimensions
from metrics_lake.model.feeds import Feed
from metrics_lake.model.tables import Table, View
from metrics_lake.sources.haproxy.accounts import FILE
from metrics_lake.sources.haproxy.check_settings import check_settings
from metrics_lake.sources.haproxy.frontends import FRONTEND
from metrics_lake.sources.haproxy.reading import COUNTER, REJECT, UNCLAIMED, VISIT, parse
from metrics_lake.sources.haproxy.reading_rules import reading_rules

TABLE = Table(
    "bronze.haproxy",
    partitioned_by=("happened_on",),
    keep=timedelta(days=400),
    pruned_by=("row_kind", "batch_number", "first_at", "last_at"),
    columns=f"""
    row_kind STRING NOT NULL COMMENT 'What the row is: visit, reject, unclaimed, file, counter or frontend'
    happened_on DATE NOT NULL COMMENT 'UTC day of the first instant that the row speaks of; of a reject, that of its file'
    batch_number BIGINT NOT NULL COMMENT 'Which batch of landing files the row came with'
    file_id STRING NOT NULL COMMENT 'Which file: the first 16 hex digits of its content_hash'
    tenant STRING COMMENT 'Whose stream'
    stream STRING COMMENT 'Which stream of the tenant'
    protocol STRING COMMENT 'hls, icecast or tcp'
    listener_id STRING COMMENT 'Keyed one-way hash of address and user agent (identity: ip: and client_kind), 32 hex digits'
    is_evidence BOOLEAN COMMENT 'Whether the requests show listening (definitions.md section 2)'
    first_at TIMESTAMP COMMENT 'First instant of the run, UTC'
    last_at TIMESTAMP COMMENT 'End of the run (exclusive), one segment duration after the last segment, UTC'
    last_request_at TIMESTAMP COMMENT 'When the last request of the run was accepted, UTC'
    has_end BOOLEAN COMMENT 'False where every request was logged before its end (logasap)'
    is_time_doubtful BOOLEAN COMMENT 'Whether the clock change made a stamp fit two instants, or none'
    gap_seconds DOUBLE COMMENT 'Requests no further apart than this were folded into one run'
    segment_seconds DOUBLE COMMENT 'By how much the end of a segment is extended'
    has_agent BOOLEAN COMMENT 'Whether the client named its user agent; null where the log has no place for it'
    client_kind STRING COMMENT 'bot, monitor or relay by its user agent; null for what may be a listener'
    is_internal BOOLEAN COMMENT 'Whether the address lies in a network of the tenant itself'
    {dimensions.visit_columns()}
    request_count BIGINT COMMENT 'Requests in the run'
    media_count BIGINT COMMENT 'Those for media: segments and long connections'
    byte_count BIGINT COMMENT 'Bytes sent to the client, heads included'
    offsets_ms ARRAY<BIGINT> COMMENT 'When each request was accepted, in milliseconds after first_at'
    durations_ms ARRAY<BIGINT> COMMENT 'Total time of each, in milliseconds; null where it was logged early'
    statuses ARRAY<SMALLINT> COMMENT 'HTTP status of each'
    sizes_bytes ARRAY<BIGINT> COMMENT 'Bytes sent of each'
    request_kinds ARRAY<TINYINT> COMMENT 'What each asked for: 1 segment, 2 playlist, 3 long connection, 0 none of these'
    line_ids ARRAY<BIGINT> COMMENT 'Keyed fingerprint of each line, by which a line that arrives twice is known'
    line_number BIGINT COMMENT 'Of a reject: which line of its file, from 1'
    reason STRING COMMENT 'Of a reject or a file in quarantine: why'
    masked_text STRING COMMENT 'Of a reject: its shape: fixed words of log formats, other letters as a, digits as 9'
    frontend STRING COMMENT 'Of unclaimed requests, counters and frontends: the frontend, with keyed marks for addresses'
    path_start STRING COMMENT 'Of unclaimed requests: the first element of the path, masked'
    path STRING COMMENT 'Of a file: where it lies below landing, with keyed marks for addresses'
    size_bytes BIGINT COMMENT 'Of a file: its size as it lies there'
    content_hash STRING COMMENT 'Of a file: SHA-256 of its bytes'
    status STRING COMMENT 'Of a file: read, empty, duplicate or quarantined'
    proxy STRING COMMENT 'Which machine logged it (definitions.md section 9); null where unknown, as in older rows'
    proxy_reason STRING COMMENT 'Of a file: what names it: folder, folder_over_hosts, header or no_name; null in older rows'
    header_hosts ARRAY<STRING> COMMENT 'Of a file: the hosts in the syslog headers of its first lines, whether they count or not'
    first_logged_at TIMESTAMP COMMENT 'Of a file and proxy: when the first of its requests ended, UTC'
    last_logged_at TIMESTAMP COMMENT 'Of a file and proxy: when the last of its requests ended, UTC'
    line_count BIGINT COMMENT 'Of a file: the lines of the proxy; of unclaimed, counters and frontends: how many'
    accepted_count BIGINT COMMENT 'Of a file: lines that became requests of a stream'
    reject_count BIGINT COMMENT 'Of a file: lines that could not be read'
    unclaimed_count BIGINT COMMENT 'Of a file: requests that no stream claims'
    skipped_count BIGINT COMMENT 'Of a file: notices, errors without a request, doubles and blank lines'
    captures ARRAY<STRING> COMMENT 'Of a file: which captured header of a frontend is which, and what says so'
    capture_conflicts ARRAY<STRING> COMMENT 'Of a file: what the values of captures speak against'
    counter STRING COMMENT 'Of counters: log, the lines of a frontend (%lc), or request, those of a process (%rt)'
    process_number BIGINT COMMENT 'Of counters: which process of HAProxy counted (%pid)'
    hour_at TIMESTAMP COMMENT 'Of counters: the hour in which the lines were written, UTC'
    first_numbers ARRAY<BIGINT> COMMENT 'Of counters: where each run of numbers without a gap begins'
    last_numbers ARRAY<BIGINT> COMMENT 'Of counters: where each of these runs ends, included'
    without_request_count BIGINT COMMENT 'Of frontends: lines that have no request line, such as <BADREQ>'
    without_agent_count BIGINT COMMENT 'Of frontends: lines whose user agent is unknown or empty'
    without_media_count BIGINT COMMENT 'Of frontends: GETs of a stream for neither media nor a playlist'
    example_path STRING COMMENT 'Of frontends: such a path, its last element as letters a, digits 9 and its suffix'
    """,
)

_COMMON = ("happened_on", "batch_number", "file_id", "proxy")

VISITS = View(
    "bronze.visits",
    TABLE,
    VISIT,
    (*_COMMON, *TABLE.names[TABLE.names.index("tenant") : TABLE.names.index("line_number")]),
)
REJECTS = View("bronze.rejects", TABLE, REJECT, (*_COMMON, "line_number", "reason", "masked_text"))
UNCLAIMED_PATHS = View(
    "bronze.unclaimed",
    TABLE,
    UNCLAIMED,
    (*_COMMON, "frontend", "path_start", "line_count"),
    summed_by=("frontend", "path_start"),
)
FILES = View(
    "bronze.files",
    TABLE,
    FILE,
    (*_COMMON, "reason", *TABLE.names[TABLE.names.index("path") : TABLE.names.index("counter")]),
)
COUNTERS = View(
    "bronze.counters",
    TABLE,
    COUNTER,
    (
        *_COMMON,
        "frontend",
        "line_count",
        *TABLE.names[TABLE.names.index("counter") : TABLE.names.index("without_request_count")],
    ),
)
FRONTENDS = View(
    "bronze.frontends",
    TABLE,
    FRONTEND,
    (
        *_COMMON, "tenant", "stream", "frontend", "line_count", "media_count",
        *TABLE.names[TABLE.names.index("without_request_count") :],
    ),
)  # fmt: skip
VIEWS = (VISITS, REJECTS, FILES, UNCLAIMED_PATHS, COUNTERS, FRONTENDS)

FEED = Feed(
    name="haproxy",
    folders=("haproxy",),
    parse=parse,
    table=TABLE,
    views=VIEWS,
    checkpoint="ingest_haproxy",
    declared_in=__name__,
    check=check_settings,
    reading_rules=reading_rules,
)
