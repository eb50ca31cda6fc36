"""The text of log lines: `option httplog` behind a BSD syslog header, to the byte as HAProxy 2.6 writes it. All in UTC.

Captures are `{Host|Referer|User-Agent}`, cut at 64, 128 and 160 bytes; `fe_icecast` has `{Content-Type|icy-name}` too.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.demo.agents import BROWSERS, RANGED
from metrics_lake.demo.people import STREAMS
from metrics_lake.demo.traffic_plan import DAY_MS

HOST_BYTES, REFERER_BYTES, AGENT_BYTES = 64, 128, 160
RATES = (48, 96, 128)
COUNTERS = pl.Series([f"{20 + n}/{9 + n % 7}/{n % 5}/{n % 3}/0 0/0" for n in range(32)])

IS_LONG = pl.col("step_ms") == 0
IS_TLS = pl.col("frontend") == "fe_tls~"
BITS = pl.col("bits")


def escaped(value: str, length: int) -> str:
    """A captured header as HAProxy logs it: cut, then `"#{|}` and every byte that isn't printable ASCII as `#XX`."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"#{|}' else f"#{byte:02X}"
        for byte in value.encode()[:length]
    )


def instant(column: str) -> pl.Expr:
    """Epoch milliseconds as `%tr`."""
    return pl.from_epoch(column, "ms").dt.strftime("%d/%b/%Y:%H:%M:%S%.3f")


def line_parts(sessions: pl.DataFrame) -> pl.DataFrame:
    """The parts that all lines of a session share; row n is `session_no` n."""
    number = pl.col("session_no").cast(pl.Int64)
    return sessions.with_columns(_frontend().alias("frontend")).select(
        pl.concat_str("address", pl.lit(":"), 32_768 + number * 7_919 % 28_000).alias("source"),
        "frontend",
        pl.concat_str(_captures(), pl.lit(' "GET '), _prefix()).alias("opening"),
        _ending().alias("ending"),
        _of_stream([stream.extension for _, stream in STREAMS]).alias("extension"),
        pl.when(pl.col("agent").is_in(RANGED) & ~IS_LONG).then(206).otherwise(200).alias("status"),
        pl.col("agent").is_in(BROWSERS).alias("is_browser"),
        pl.lit(pl.Series(RATES)).gather(number % len(RATES)).alias("rate"),
        "starts_ms",
        "step_ms",
    )


def _frontend() -> pl.Expr:
    is_mapped = pl.col("address").str.starts_with("::ffff:")
    return (
        pl.when(IS_LONG).then(pl.lit("fe_icecast"))
        .when(is_mapped).then(pl.lit("fe_mapped"))
        .when(pl.col("agent").is_in(BROWSERS)).then(pl.lit("fe_tls~"))
        .otherwise(pl.lit("fe_hls"))
    )  # fmt: skip


def _of_stream(values: list[str]) -> pl.Expr:
    return pl.col("stream_no").replace_strict(range(len(values)), values, return_dtype=pl.String)


def _captures() -> pl.Expr:
    """The request's captures, and on `fe_icecast` those of the answer."""
    hosts = [escaped(stream.host, HOST_BYTES) for _, stream in STREAMS]
    answers = [f" {{{s.content_type}|{escaped(s.title, 64)}}}" if s.protocol == "icecast" else "" for _, s in STREAMS]
    referrer, agent = _escaped(pl.col("referrer"), REFERER_BYTES), _escaped(pl.col("agent"), AGENT_BYTES)
    request = [_of_stream(hosts), pl.lit("|"), referrer, pl.lit("|"), agent]
    return pl.concat_str(pl.lit("{"), *request, pl.lit("}"), _of_stream(answers))


def _escaped(column: pl.Expr, length: int) -> pl.Expr:
    def escape(values: pl.Series) -> pl.Series:
        texts = values.unique().to_list()
        return values.replace_strict(texts, [escaped(text, length) for text in texts], return_dtype=pl.String)

    return column.map_batches(escape, return_dtype=pl.String)


def _prefix() -> pl.Expr:
    """The path up to the segment's own name; HTTP/2 asks with an absolute URI."""
    scheme = _of_stream([f"https://{stream.host}" for _, stream in STREAMS])
    path = _of_stream([stream.path for _, stream in STREAMS])
    return pl.when(IS_TLS).then(scheme + path).otherwise(path)


def _ending() -> pl.Expr:
    """What follows the path: one session in eight has a query with its campaign."""
    is_marked = pl.col("session_no") % 8 == 1
    query = pl.when(is_marked).then(pl.lit("?utm_source=app&dist=Tuner%20App")).otherwise(pl.lit(""))
    return query + pl.when(IS_TLS).then(pl.lit(' HTTP/2.0"')).otherwise(pl.lit(' HTTP/1.1"'))


def messages(requests: pl.DataFrame, line_parts: pl.DataFrame) -> pl.DataFrame:
    """Each request as HAProxy's message, without the syslog header: accepted_ms, ended_ms, message."""
    rows = pl.concat([requests, line_parts[requests["session_no"]]], how="horizontal")
    message = pl.concat_str(
        "source", pl.lit(" ["), instant("accepted_ms"), pl.lit("] "), "frontend", _server(), pl.lit(" 0/0/"), _timers(),
        pl.lit(" "), _status(), pl.lit(" "), _bytes_count(), pl.lit(" - - "), _flags(), pl.lit(" "), _counters(),
        pl.lit(" "), "opening", _name(), "ending",
    )  # fmt: skip
    return rows.select("accepted_ms", "ended_ms", message.alias("message"))


def _is_playlist() -> pl.Expr:
    return pl.col("media_no") < 0


def _is_unchanged() -> pl.Expr:
    """A browser now and then asks for a playlist that it already has; never with its first request."""
    is_first = pl.col("accepted_ms") == pl.col("starts_ms")
    return _is_playlist() & pl.col("is_browser") & ~is_first & (BITS // 2**40 % 32 == 0)


def _server() -> pl.Expr:
    web = pl.when(BITS // 2**45 % 2 == 0).then(pl.lit(" bk_hls/web1")).otherwise(pl.lit(" bk_hls/web2"))
    return pl.when(IS_LONG).then(pl.lit(" bk_icecast/ice1")).otherwise(web)


def _timers() -> pl.Expr:
    """Connect, first answer, total."""
    total = pl.col("ended_ms") - pl.col("accepted_ms")
    answer = pl.when(IS_LONG).then(196 + BITS // 2**46 % 256).otherwise(pl.min_horizontal(total, BITS // 2**46 % 4))
    return pl.concat_str(BITS // 2**48 % 2, pl.lit("/"), answer, pl.lit("/"), total)


def _status() -> pl.Expr:
    return pl.when(_is_unchanged()).then(304).otherwise("status")


def _bytes_count() -> pl.Expr:
    total = pl.col("ended_ms") - pl.col("accepted_ms")
    playlist = pl.when(_is_unchanged()).then(181).otherwise(486 + BITS // 2**49 % 5)
    segment = pl.col("rate") * pl.col("step_ms") // 8 + BITS // 2**49 % 1024
    return pl.when(IS_LONG).then(total * 16 + 65_536).when(_is_playlist()).then(playlist).otherwise(segment)


def _flags() -> pl.Expr:
    """`CD` is the normal end of a long listen; `----` there: the source stopped."""
    return pl.when(IS_LONG & (BITS // 2**52 % 16 > 0)).then(pl.lit("CD--")).otherwise(pl.lit("----"))


def _counters() -> pl.Expr:
    return pl.lit(COUNTERS).gather(BITS // 2**53 % len(COUNTERS))


def _name() -> pl.Expr:
    """The last part of the path: none for Icecast, whose mount is the whole of it."""
    segment = pl.concat_str(pl.lit("media-b"), "rate", pl.lit("_"), "media_no", pl.lit("."), "extension")
    return pl.when(IS_LONG).then(pl.lit("")).when(_is_playlist()).then(pl.lit("index.m3u8")).otherwise(segment)


def lines(messages: pl.DataFrame) -> str:
    """A whole file, by instant of logging, each line under the worker that took the request (a new one each day)."""
    worker = 4_037 + pl.col("accepted_ms") // DAY_MS % 199 * 131
    stamp = pl.from_epoch("ended_ms", "ms").dt.strftime("%b %e %H:%M:%S")
    line = pl.format("{} edge-01 haproxy[{}]: {}", stamp, worker, "message")
    text = messages.sort("ended_ms", maintain_order=True).select(line.str.join("\n")).item()
    return f"{text}\n" if text else ""
