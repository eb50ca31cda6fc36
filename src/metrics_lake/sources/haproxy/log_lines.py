"""From the bytes of log files to numbered lines, and from a line to the message that HAProxy wrote.

The message is located by its own anchor, `address:port [dd/Mon/yyyy:`, so the header before it (BSD syslog with or
without host, RFC 5424, an ISO timestamp, or none) needs no parser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

# Messages of HAProxy about itself: they are neither requests nor rejects.
_NOTICES = (
    r"(?:Proxy|backend|Server|Backup Server|Health check|Stopping|Pausing|Resuming|Enabling|Reexecuting|Loading|"
    r"Enabled|Disabling|Disabled|Reloading|"
    r"New (?:program|worker)|(?:Former|Current) (?:program|worker)|Exiting|All workers|soft-stop|hard-stop|config\b|parsing \[|"
    r"(?:last )?message repeated|\[?(?:NOTICE|WARNING|ALERT)\]?|Connect from|SSL handshake|sendmsg|maxconn|"
    r"haproxy version|path to executable|Configuration file|[Pp]eers?\b|-- MARK --|<OCSP-UPDATE>|SPOE: \[|acme: |"
    r"(?:proxy|frontend) \S+ has no server|(?:stick table:|Paused|Resumed|SIGHUP|SIGTTOU|Grace period|Scheduling) |"
    r"\S+/\S+ changed its (?:IP|FQDN))"
)
# Lines of systemd, of journalctl (`-- Boot 3f2a --`) and of tail (`==> haproxy.log <==`) among those of HAProxy.
_OTHERS = (
    r"(?:^|\s)systemd(?:\[\d+\])?: |^[A-Z][a-z]{2} [\d-]{10} [\d:.]+ \S+ \[s=[0-9a-f]+;"
    r"|^-- cursor: |^-- (?:Re)?[Bb]oot\b|^-- (?:Logs begin|Journal begins|No entries)|^==> .* <==\s*$"
)
NOTICE = rf"(?:^|[\]>:-]:?\s+){_NOTICES}|{_OTHERS}"
_ANCHOR = r" \[(\d{2}/[A-Z][a-z]{2}/\d{4}:.*)$"
_BEFORE = r"^(.*?) \[\d{2}/[A-Z][a-z]{2}/\d{4}:"
REPEATED = (
    "message repeated"  # rsyslog writes it, with the line in brackets, in place of equal lines: they are duplicates
)
LONGEST = 1 << 16  # HAProxy writes 65,535 bytes at most (`log … len`)


def number_lines(texts: dict[int, str], first_lines: dict[int, int]) -> pl.DataFrame:
    """Lines of several files: file_number, line_number (from `first_lines`), text without its line end."""
    schema = {"file_number": pl.UInt32, "text": pl.String, "start": pl.Int64}
    starts = [first_lines[number] for number in texts]
    files = pl.DataFrame({"file_number": list(texts), "text": list(texts.values()), "start": starts}, schema=schema)
    parts = files.with_columns(pl.col("text").str.split("\n"))
    numbers = pl.int_ranges("start", pl.col("start") + pl.col("text").list.len())
    lines = parts.select("file_number", "text", line_number=numbers).explode("line_number", "text")
    lines = lines.select("file_number", "line_number", "text")
    has_returns = any("\r" in text for text in texts.values())
    return lines.with_columns(pl.col("text").str.strip_chars_end("\r")) if has_returns else lines


def number_pieces(pieces: Iterable[str]) -> Iterator[pl.DataFrame]:
    """The lines of one file that comes in pieces, numbered through from 1; its file_number is 0."""
    first = 1
    for text in pieces:
        lines = number_lines({0: text}, {0: first})
        first += lines.height
        yield lines


def split_at_date(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `before` (the text before the date) and `after` (the date and the rest); both null if a line has no date."""
    parts = lines.with_columns(
        pl.col("text").str.splitn(" [", 2).struct.rename_fields(["before", "after"]).alias("parts")
    ).unnest("parts")
    dated = parts.select(pl.col("after").str.contains(r"^\d\d/[A-Z][a-z][a-z]/\d{4}:").fill_null(False)).to_series()
    if dated.all():
        return parts
    others = parts.filter(~dated).with_columns(
        before=pl.col("text").str.extract(_BEFORE), after=pl.col("text").str.extract(_ANCHOR)
    )
    return pl.concat([parts.filter(dated), others])
