"""Every reason for which a line, a row or a file isn't read, and for which a session isn't counted: what it means, and an example.

The one list of them: docs/reasons.md is made of it, and a test holds it against the code. A new reason is one line here.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrics_lake.sources import quarantine_reasons

LINE, ROW, FILE, SESSION = "line", "row", "file", "session"
TITLES = {
    LINE: ("Rejected lines", "a line of a log, in `bronze.rejects`", "such a line"),
    ROW: ("Rejected rows", "a row of an app store's report, in `bronze.store_rejects`", "such a row"),
    FILE: (
        "Files in quarantine",
        "a file as a whole, in `bronze.files` and `bronze.store_files`; its hour is missing",
        "what to do",
    ),
    SESSION: (
        "Sessions that are not counted",
        "a session, in `silver.sessions.exclusion`; gross figures have them",
        "such a session",
    ),
}


@dataclass(frozen=True)
class Reason:
    """`example` is a whole line where `kind` is LINE (a test reads it), the remedy where it is FILE, else a description."""

    kind: str
    name: str
    meaning: str
    example: str


_TIME = "[15/Jan/2001:12:00:00.000]"
_START = f"192.0.2.7:4711 {_TIME}"
_FIELDS = "fe be/s1 0/0/1/5/40 200 1000 - - ---- 9/8/7/6/0 0/0"
_REQUEST = f'{_TIME} {_FIELDS} "GET /acme.mp3 HTTP/1.1"'

REASONS = (
    Reason(
        LINE, "no_request", "nothing in it looks like a request of HAProxy's", "sshd[77]: Accepted publickey for ops"
    ),
    Reason(
        LINE,
        "not_httplog",
        "it has HAProxy's date, but no known format fits",
        f'{_START} {_FIELDS.replace("200", "2oo")} "GET /acme.mp3"',
    ),
    Reason(
        LINE,
        "cut_line",
        "it ends too early; `len` in HAProxy's `log` is too small",
        f"{_START} fe be/s1 0/0/1/5/40 200 10",
    ),
    Reason(
        LINE,
        "cut_at_start_of_file",
        "the first line lacks its start, as `copytruncate` leaves it",
        f"0.2.7:4711 {_REQUEST}",
    ),
    Reason(
        LINE,
        "cut_at_end_of_file",
        "the last line has neither its request's end nor a line end",
        f'{_START} {_FIELDS} "GET /acm',
    ),
    Reason(
        LINE,
        "too_long",
        "more than 64 KiB; HAProxy writes no such line",
        f'{_START} {_FIELDS} "GET /acme.mp3?{{70000 characters}} HTTP/1.1"',
    ),
    Reason(LINE, "no_address", "where the address stands is none, and no `unix` or `-`", f"1192.0.2.7:4711 {_REQUEST}"),
    Reason(
        LINE, "address_not_hashed", "`address_mode` is `hashed`, and the address isn't", f"192.0.2.7:4711 {_REQUEST}"
    ),
    Reason(
        LINE,
        "impossible_time",
        "its date can't be, by evidence (docs/formats.md)",
        f"192.0.2.7:4711 {_REQUEST.replace('2001', '1971')}",
    ),
    Reason(
        LINE,
        "empty_request",
        "the request line is empty, which HAProxy never writes: it was lost on the way",
        f'{_START} {_FIELDS} ""',
    ),
    Reason(
        LINE,
        "key_destroyed",
        "the key of its epoch was destroyed, so its listener can't be told",
        f"192.0.2.7:4711 {_REQUEST}",
    ),
    Reason(ROW, "incomplete_row", "a cell that is needed is missing or blank", "units blank"),
    Reason(ROW, "too_many_cells", "more cells than the header has", "a comma in a name without quotes"),
    Reason(ROW, "units_no_number", "Apple's units are no whole number", "`1.5`"),
    Reason(ROW, "figure_no_number", "one of Google's figures is no whole number", "`4.5`"),
    Reason(ROW, "no_day", "the date is none of the report's form", "`15.01.2001`"),
    Reason(ROW, "not_daily", "begin and end are not one day", "a week's row"),
    Reason(ROW, "another_day", "a day other than the one that the report is of", "the 16th in the report of the 15th"),
    Reason(ROW, "another_month", "a month other than the one in the file's name", "February in January's file"),
    Reason(ROW, "no_country", "the country is no word", "`*`"),
    Reason(ROW, "no_device", "the device is no word", "`*`"),
    *(Reason(FILE, file.name, file.meaning, file.remedy) for file in quarantine_reasons.REASONS),
    Reason(SESSION, "bot", "its agent says so", "`SearchBot/2.1`"),
    Reason(SESSION, "monitor", "its agent is a monitor's", "`UptimeRobot/2.0`"),
    Reason(SESSION, "relay", "its agent is a relay's", "`Icecast 2.4.4`"),
    Reason(SESSION, "no_user_agent", "the log has a place for the agent, and it was empty in all requests", "`{}`"),
    Reason(SESSION, "internal", "its address lies in the tenant's `internal_networks`", "the studio's own player"),
    Reason(SESSION, "no_media", "of HLS playlists alone, not one segment", "a page that only shows the player"),
    Reason(SESSION, "too_short", "shorter than `sessions.minimum_seconds`", "3 s, where 60 are asked for"),
)


def render() -> str:
    """docs/reasons.md: a table for each kind."""
    source = "Made by `python -m metrics_lake.catalog reasons` from `src/metrics_lake/sources/reasons.py`; a test keeps it true."
    return "\n".join([f"# Reasons\n\n{source}\n", *(_table(kind) for kind in TITLES)])


def _table(kind: str) -> str:
    title, where, example = TITLES[kind]
    rows = [f"| `{reason.name}` | {reason.meaning} | {_cell(reason)} |" for reason in REASONS if reason.kind == kind]
    return "\n".join(
        [
            f"## {title}\n\nThe reason stands beside {where}.\n",
            f"| reason | meaning | {example} |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _cell(reason: Reason) -> str:
    text = reason.example.replace("|", "\\|")
    return f"`{text}`" if reason.kind == LINE else text
