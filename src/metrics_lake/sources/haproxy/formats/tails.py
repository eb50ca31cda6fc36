"""Parses the fields after the request line: those of `option httpslog`, or of the recommended format."""

from __future__ import annotations

import polars as pl

from metrics_lake.sources.haproxy.formats.instants import instant

_HTTPSLOG = r"^ \S+/\S+/\S+/\S+/\S+ ([^/\s]+)/\S+/\S+\s*$"
_RECOMMENDED = r"^ (\d+) (\d+) (\d{9,11})\.(\d{3}) (\S+)\s*$"
_FIELDS = ["process_number", "log_counter", "accept_epoch", "accept_ms", "name"]


def with_tails(read: pl.DataFrame) -> pl.DataFrame:
    """Adds `sni`, the TLS server name, and the counters; converts local dates to UTC if the time in UTC is logged."""
    tail = pl.col("tail").fill_null("") != ""
    if not read.select(tail.any()).item():
        return read
    plain, tailed = read.filter(~tail), read.filter(tail)
    recommended = pl.col("tail").str.extract_groups(_RECOMMENDED).struct.rename_fields(_FIELDS)
    tailed = tailed.with_columns(recommended.alias("recommended"), request_local="stamp").unnest("recommended")
    sni = pl.coalesce(pl.col("tail").str.extract(_HTTPSLOG), pl.col("name"))
    when = instant({"accept_epoch", "accept_ms", "request_local"})
    has_epoch = pl.col("accept_epoch").is_not_null()
    tailed = tailed.with_columns(
        sni=pl.when(sni != "-").then(sni),
        accepted_ms=pl.when(has_epoch).then(when["accepted_ms"]).otherwise("accepted_ms"),
        is_utc=has_epoch & when["is_utc"],
        request_counter=pl.lit(None, dtype=pl.Int64),
        **{name: pl.col(name).cast(pl.Int64, strict=False) for name in ("process_number", "log_counter")},
    )
    return pl.concat([plain, tailed.drop("request_local", "accept_epoch", "accept_ms", "name")], how="diagonal")
