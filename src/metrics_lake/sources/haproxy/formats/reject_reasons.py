"""Why a line couldn't be parsed. Notices, errors before any request and blank lines have no reason: they are no rejects."""

from __future__ import annotations

import polars as pl

from metrics_lake.sources.haproxy import log_lines
from metrics_lake.sources.haproxy.formats.splitting import without_header

_BEFORE_REQUEST = r"^[^\]\s]+\] [^\s/]+/[^\"/\]]+: "  # `[date] frontend/listener: SSL handshake failure`
_OWN_REQUEST = r"^[^\]\s]+\] <(?:[A-Z]+CLIENT|OCSP-UPDATE)> -/- "  # HAProxy's own, of its httpclient
_FIELDS_OF_HTTPLOG = 12


def with_reasons(unparsed: pl.DataFrame, read_files: pl.Series) -> pl.DataFrame:
    """Adds the reason of each reject; null if the line is no reject. `read_files` are files with parsed lines."""
    is_begun = pl.col("is_begun").fill_null(False) if "is_begun" in unparsed.columns else pl.lit(False)
    return unparsed.with_columns(reason=_reason(read_files, is_begun))


def _reason(read_files: pl.Series, is_begun: pl.Expr) -> pl.Expr:
    text, after = pl.col("text"), pl.col("after")
    notice = text.str.contains(log_lines.NOTICE) | without_header().str.contains(log_lines.NOTICE)
    nothing = after.str.contains(_BEFORE_REQUEST) | after.str.contains(_OWN_REQUEST)
    is_first = (pl.col("line_number") == 1) & pl.col("file_number").is_in(read_files.implode())
    short = after.str.count_matches(" ", literal=True) < _FIELDS_OF_HTTPLOG - 1
    return (
        pl.when((text.str.strip_chars() == "") | nothing.fill_null(False)).then(None)
        .when(text.str.contains(log_lines.REPEATED, literal=True)).then(None)
        .when(notice & after.is_null()).then(None)
        .when(is_first).then(pl.lit("cut_at_start_of_file"))
        .when(is_begun).then(pl.lit("cut_line"))
        .when(after.is_null()).then(pl.lit("no_request"))
        .when(short | ~text.str.contains('"', literal=True)).then(pl.lit("cut_line"))
        .otherwise(pl.lit("not_httplog"))
    )  # fmt: skip
