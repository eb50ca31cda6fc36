"""From fields as HAProxy wrote them to the columns of a request, which are the same for every format."""

from __future__ import annotations

import re

import polars as pl

from metrics_lake.sources.haproxy import httplog
from metrics_lake.sources.haproxy.captures import HEADERS, Layouts
from metrics_lake.sources.haproxy.formats import undoing
from metrics_lake.sources.haproxy.formats.aliases import HELPFUL
from metrics_lake.sources.haproxy.formats.compiler import LENGTHS, Format
from metrics_lake.sources.haproxy.formats.fields import Field
from metrics_lake.sources.haproxy.formats.instants import instant
from metrics_lake.sources.haproxy.formats.splitting import split

_ABSENT = ("", "-", "<BADREQ>")
_ESCAPE = re.compile(r'\\(["\\\]])')
_ENDED = ("txn_close", "sess_error", "sess_killed", "", "-")
_OWN_ESCAPES = ("user_agent", "lasting_id", "referer")  # the code that uses these decodes HAProxy's #XX


def read(lines: pl.DataFrame, form: Format, layouts: Layouts) -> pl.DataFrame:
    """Requests from lines, in the columns of `httplog.COLUMNS`; `is_read` is false if a line doesn't have this format."""
    frame = split(lines, form)
    columns = form.columns
    needed = columns.difference(HELPFUL)
    frame = frame.with_columns(is_whole=pl.all_horizontal(pl.col(*needed).is_not_null()))
    frame = frame.with_columns(*(_plain(frame[field.column], field) for field in form.fields))
    frame = frame.with_columns(**instant(columns), **_numbers(form), **_request(columns), **_names(columns))
    frame = httplog.name_captures(_captured(frame, form), layouts, own=columns & set(HEADERS))
    verdicts = {"is_tcp": pl.lit(form.is_tcp), "is_unserved": _is_unserved(form), "is_read": _is_read(form)}
    return frame.with_columns(**verdicts).select(httplog.COLUMNS)


def _plain(series: pl.Series, field: Field) -> pl.Series:
    """A field's decoded values; `#XX` stays, because the code that uses the texts decodes it."""
    plain = _decoded(series, field)
    if (field.role in _OWN_ESCAPES or field.capture is not None) and not field.is_alias:
        return plain.str.replace_all("#", "#23", literal=True)
    return plain


def _decoded(series: pl.Series, field: Field) -> pl.Series:
    match field.encoding:
        case "token":
            inner = series.str.strip_prefix('"').str.strip_suffix('"')
            series = undoing.map_distinct(inner.replace("null", ""), "\\", undoing.from_json)
        case "escaped":
            series = undoing.map_distinct(series, "\\", lambda text: _ESCAPE.sub(r"\1", text))
        case "hex" if field.role == "address":
            series = undoing.map_distinct(series, "", undoing.hex_address)
        case "hex":
            series = undoing.hex_number(series)
    for step in field.undo:
        series = undoing.undone(series, step)
    return series


def _numbers(form: Format) -> dict[str, pl.Expr]:
    """Duration, status, size and counters; a `+` means that the line was written before the request ended."""
    columns = form.columns
    length = next((name for name in LENGTHS if name in columns), None)
    total = _number(length) if length else pl.lit(None, dtype=pl.Int64)
    signs = [pl.col(name).str.starts_with("+") for name in (length, "size") if name in columns]
    if "origin" in columns:
        signs.append(~pl.col("origin").is_in(_ENDED))
    return {
        "duration_ms": pl.when(total >= 0).then(total),
        "is_early": pl.any_horizontal(*signs).fill_null(False) if signs else pl.lit(False),
        "status": _number("status").cast(pl.Int16, strict=False)
        if "status" in columns
        else pl.lit(None, dtype=pl.Int16),
        **{name: _number(name) if name in columns else pl.lit(None, dtype=pl.Int64) for name in httplog.COUNTERS},
        "size": _number("size") if "size" in columns else pl.lit(None, dtype=pl.Int64),
    }


def _number(column: str) -> pl.Expr:
    return pl.col(column).str.strip_prefix("+").cast(pl.Int64, strict=False)


def _request(columns: frozenset[str]) -> dict[str, pl.Expr]:
    """Method and URI, from the request line or from separate fields."""
    words = pl.col("request").str.splitn(" ", 3).struct
    method = "method" in columns and pl.col("method")
    uri = next((pl.col(name) for name in ("uri", "path") if name in columns), None)
    if "request" in columns:
        method, uri = words[0], words[1]
    nothing = pl.lit(None, dtype=pl.String)
    uri_value = uri if uri is not None else nothing
    return {
        "method": method if isinstance(method, pl.Expr) else nothing,
        "uri": pl.when(~uri_value.is_in(_ABSENT)).then(uri_value),
    }


def _is_unserved(form: Format) -> pl.Expr:
    """Whether the request reached no server: by the server's name, and in TCP mode also by the connect time."""
    signs = [pl.col("server") == httplog.NO_SERVER] if "server" in form.columns else []
    signs += [_number("connect") == -1] if form.is_tcp and "connect" in form.columns else []
    return pl.any_horizontal(pl.lit(False), *signs).fill_null(False)


def _names(columns: frozenset[str]) -> dict[str, pl.Expr]:
    nothing = pl.lit(None, dtype=pl.String)
    frontend = pl.col("frontend").str.strip_suffix("~") if "frontend" in columns else nothing
    hosts: dict[str, pl.Expr] = {"sni": nothing}
    for name in ("host", "sni"):
        if name in columns:
            hosts[name] = pl.when(~pl.col(name).is_in(_ABSENT)).then(name)
    return {"frontend": frontend, **hosts}


def _captured(frame: pl.DataFrame, form: Format) -> pl.DataFrame:
    """`captures`: the captured request headers in a list, from `{a|b}`, from `"a" "b"`, or from fields by number."""
    if "captures" in form.columns:
        return frame.with_columns(captures=httplog.groups(pl.col("captures").str.strip_prefix('"')))
    if "capture_list" in form.columns:
        listed = pl.col("capture_list").str.strip_chars("[] ").str.strip_prefix('"').str.strip_suffix('"')
        listed = listed.str.replace_all('", "', '" "', literal=True)
        parts = listed.str.split('" "')
        return frame.with_columns(captures=pl.when(pl.col("capture_list").str.strip_chars() != "").then(parts))
    numbers = {field.capture: field.column for field in form.fields if field.capture is not None}
    if not numbers:
        return frame.with_columns(captures=pl.lit(None, dtype=pl.List(pl.String)))
    no_place = pl.lit(None, dtype=pl.String)  # not "", which means a header that was not sent
    listed_fields = [pl.col(numbers[at]) if at in numbers else no_place for at in range(max(numbers) + 1)]
    return frame.with_columns(captures=pl.concat_list(listed_fields))


def _is_read(form: Format) -> pl.Expr:
    """Whether all required fields are present and valid."""
    needed = [pl.col("is_whole"), pl.col("accepted_ms").is_not_null(), pl.col("address").str.len_bytes() > 0]
    aliases = {field.column for field in form.fields if field.is_alias}
    if aliases & set(LENGTHS):
        total = next(name for name in LENGTHS if name in aliases)
        needed.append(_number(total).is_not_null())
    needed += [pl.col(name).is_not_null() for name in ("status", "size") if name in aliases]
    return pl.all_horizontal(*needed).fill_null(False)
