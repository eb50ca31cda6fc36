"""HAProxy's converters (its manual, 7.3.1): what each does to a value, and whether the value can be had back.

A field that counts is read only if every converter on it is known here and takes nothing away: what it did is undone, or
changes nothing that matters. All else is a `Loss`, which refuses the log-format where nothing else tells the same.
The table has the converters of all versions up to 3.3, and those of 3.4 and 3.5 that are in the manual.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from metrics_lake.sources.haproxy.formats import shapes
from metrics_lake.sources.haproxy.formats.sample_calls import Call
from metrics_lake.sources.haproxy.formats.shapes import Shape
from metrics_lake.sources.haproxy.formats.time_patterns import PatternError, time_pattern
from metrics_lake.sources.haproxy.formats.undoing import Undo

_PER_SECOND = {"": 1, "s": 1, "ms": 1000, "us": 1_000_000}
_DATES = {"request_epoch": "request_local", "accept_epoch": "accept_local"}
_TIMERS = ("active", "user_total", "total", "handshake", "idle", "connect")
_NUMBERS = (*_DATES, *_TIMERS, "status", "size")
_CASE_IS_NOTHING = ("host", "sni", "referer", "address", "x_forwarded_for", "lasting_id")
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


class Loss(Exception):
    """A converter after which the value can't be had back. `at` is its position in the sample expression."""

    def __init__(self, call: Call, why: str) -> None:
        super().__init__(why)
        self.call, self.why = call, why


@dataclass(frozen=True)
class Value:
    """What is known of a value after some of its converters: how to get back to what it was, the last step first."""

    role: str
    shape: Shape
    undo: tuple[Undo, ...] = ()
    scale: Fraction = Fraction(1)  # of numbers: one unit of the line, by the unit of the fetch
    offset: Fraction = Fraction(0)  # of dates: what was added, in seconds
    per_second: int = 1  # of dates: how many of the fetch's units are a second
    is_hashed: bool = False
    is_text: bool = False  # of numbers: a converter made a text of it
    note: str = ""

    def back(self, step: str, *arguments: str, **changes: object) -> Value:
        return replace(self, undo=(Undo(step, arguments), *self.undo), **changes)  # type: ignore[arg-type]


Step = Callable[[Value, Call], Value]


def converted(role: str, shape: Shape, calls: Sequence[Call]) -> Value:
    """The value of a fetch (the first call) after its converters. Raises Loss at the first that can't be undone."""
    fetch, *rest = calls
    unit = fetch.arguments[0] if role in _DATES and fetch.arguments else ""
    value = Value(role, shape, per_second=_PER_SECOND.get(unit, 1), is_text=role not in _NUMBERS)
    for call in rest:
        step = CONVERTERS.get(call.name)
        if step is None:
            raise Loss(call, "is no converter that is known")
        value = step(value, call)
    return value


def _lost(value: Value, call: Call) -> Value:
    raise Loss(call, "changes the value for good")


def _same(value: Value, call: Call) -> Value:
    return value


def _applied(value: Value, call: Call) -> Value:
    """It decodes what a client or a variable had encoded: what stands in the line is the value."""
    return replace(value, shape=shapes.TEXT if value.role in ("uri", "path") else value.shape)


def _case(value: Value, call: Call) -> Value:
    if value.role == "method":
        return value.back("upper")
    return value if value.role in _CASE_IS_NOTHING or value.is_hashed else _lost(value, call)


def _encoded(value: Value, call: Call) -> Value:
    """base64, hex and the like: they can be decoded, and need not be where a hash was encoded."""
    shape = shapes.WORD if call.name == "url_enc" else shapes.TOKEN
    if value.is_hashed:
        return replace(value, shape=shape)
    if value.role == "address":
        is_known = call.name in ("hex", "base64") and not value.undo
        return value.back(f"{call.name} address", shape=shape) if is_known else _lost(value, call)
    if not value.is_text:
        return value.back("hex number", shape=shape, is_text=True) if call.name == "hex" else _lost(value, call)
    return value.back(call.name, shape=shape)


def _json(value: Value, call: Call) -> Value:
    return value.back("json", shape=shapes.ESCAPED)


def _hashed(value: Value, call: Call) -> Value:
    if value.role not in ("address", "lasting_id") or value.undo:
        return _lost(value, call)
    return replace(value, shape=shapes.TOKEN, is_hashed=True)


def _masked(value: Value, call: Call) -> Value:
    """`ipmask(32,64)` leaves of an address what makes a listener (definitions.md section 1); a shorter mask does not."""
    masks = [_bits(argument) for argument in call.arguments]
    if value.role != "address" or not masks or masks[0] != 32 or not all(bits >= 64 for bits in masks[1:]):
        raise Loss(call, "makes one address of several")
    return value


def _bits(mask: str) -> int:
    try:
        return int(mask) if mask.isdigit() else f"{int(ipaddress.ip_address(mask)):b}".count("1")
    except ValueError:
        return 0


def _trimmed(value: Value, call: Call) -> Value:
    return value if value.is_text and not "".join(call.arguments).strip() else _lost(value, call)


def _host_only(value: Value, call: Call) -> Value:
    return value if value.role == "host" else _lost(value, call)


def _reckoned(value: Value, call: Call) -> Value:
    """add, sub, mul, div and neg of a number."""
    if value.is_text or value.undo[:1] == (Undo("hex number"),):
        return _lost(value, call)
    argument = "-1" if call.name == "neg" else (call.arguments or ("",))[0]
    try:
        number = int(argument)
    except ValueError:
        raise Loss(call, "takes its number from a variable, which no line names,") from None
    value = replace(value, shape=shapes.NUMBER)
    if call.name in ("add", "sub"):
        plus = number if call.name == "add" else -number
        seconds = Fraction(plus) / value.scale / value.per_second
        return value.back("add", str(-plus), offset=value.offset + seconds)
    if number == 0 or (call.name == "div" and value.role in ("status", "connect")):
        return _lost(value, call)
    if call.name == "div":
        return _with_precision(value.back("mul", argument, scale=value.scale / number))
    return value.back("div", argument, scale=value.scale * number)


def _with_precision(value: Value) -> Value:
    """Of what was divided the rest is gone: says how precise the value still is."""
    if value.role in _DATES:
        precision, unit = 1 / (value.scale * value.per_second), "s"
    else:
        precision, unit = 1 / value.scale, "ms" if value.role in _TIMERS else "bytes" if value.role == "size" else ""
    if value.role in _TIMERS and precision >= 1000:
        precision, unit = precision / 1000, "s"
    is_coarse = precision > 1 or (unit == "s" and value.role in _TIMERS)
    return replace(value, note=f"precise to {float(abs(precision)):g} {unit}" if is_coarse else "")


def _dated(value: Value, call: Call) -> Value:
    """A date by strftime's pattern, in local time or UTC."""
    unit, _, clock = call.name.rpartition("_")
    if value.role not in _DATES or value.is_text or not call.arguments:
        return _lost(value, call)
    pattern, *offset = call.arguments
    return _by_pattern(value, call, pattern, "".join(offset), _PER_SECOND[unit], is_utc=clock == "utime")


def _http_date(value: Value, call: Call) -> Value:
    if value.role not in _DATES or value.is_text:
        return _lost(value, call)
    offset, unit = (*call.arguments, "", "")[:2]
    return _by_pattern(value, call, _HTTP_DATE, offset, _PER_SECOND.get(unit, 1), is_utc=True)


def _by_pattern(value: Value, call: Call, text: str, offset: str, per_second: int, *, is_utc: bool) -> Value:
    if value.scale * value.per_second != per_second:
        unit = {1: "seconds", 1000: "milliseconds"}.get(per_second, "microseconds")
        raise Loss(call, f"wants {unit}, and is given another unit,")
    try:
        pattern = time_pattern(text)
        shift = value.offset + Fraction(int(offset or 0), per_second)
    except (PatternError, ValueError) as error:
        raise Loss(
            call, str(error) if isinstance(error, PatternError) else "has an offset that is no number,"
        ) from None
    is_instant = is_utc or pattern.is_zoned
    undo = Undo("instant" if is_instant else "local time", (text, str(round(shift * 1000))))
    role = value.role if is_instant else _DATES[value.role]
    note = "precise to 60 s" if not pattern.has_seconds else ""
    return Value(role, pattern.shape, (undo,), is_text=True, note=note)


def _of(step: Step, names: str) -> dict[str, Step]:
    return dict.fromkeys(names.split(), step)


_MAPS = " ".join(
    f"map_{match}{output}"
    for match in ("beg", "dir", "dom", "end", "int", "ip", "key", "reg", "str", "sub")
    for output in ("", "_int", "_ip", "_str", "_key")
)
CONVERTERS: Mapping[str, Step] = {
    **_of(_same, "cut_crlf debug set-var unset-var"),
    **_of(_applied, "b64dec ub64dec url_dec"),
    **_of(_case, "lower upper"),
    **_of(_encoded, "base64 ub64enc url_enc hex"),
    **_of(_json, "json"),
    **_of(_hashed, "crc32 crc32c digest djb2 hmac sdbm sha1 sha2 wt6 xxh3 xxh32 xxh64"),
    **_of(_masked, "ipmask"),
    **_of(_trimmed, "ltrim rtrim"),
    **_of(_host_only, "host_only"),
    **_of(_reckoned, "add sub mul div neg"),
    **_of(_dated, "ltime utime ms_ltime ms_utime us_ltime us_utime"),
    **_of(_http_date, "http_date"),
    **_of(
        _lost, "51d.single add_item and base2 be2dec be2hex bool bytes capture-req capture-res concat cpl da-csv-conv"
    ),
    **_of(_lost, "date even fe_exists field fix_is_valid fix_tag_value has_ctl hex2i htonl iif in_table json_query"),
    **_of(_lost, "aes_cbc_dec aes_cbc_enc aes_gcm_dec aes_gcm_enc eth.data eth.dst eth.hdr eth.proto eth.src eth.vlan"),
    **_of(_lost, "ip.data ip.df ip.dst ip.fp ip.hdr ip.proto ip.src ip.tos ip.ttl ip.ver language le2dec length"),
    **_of(_lost, "jwt_decrypt_cert jwt_decrypt_jwk jwt_decrypt_secret jwt_header_query jwt_payload_query jwt_verify"),
    **_of(_lost, f"jwt_verify_cert map map_regm {_MAPS}"),
    **_of(_lost, "mod mqtt_field_value mqtt_is_valid nbsrv not odd or param port_only protobuf regsub reverse"),
    **_of(_lost, "reverse_dom rfc7239_field rfc7239_is_valid rfc7239_n2nn rfc7239_n2np rfc7239_nn rfc7239_np"),
    **_of(_lost, "secure_memcmp srv_is_up srv_queue strcmp table_bytes_in_rate table_bytes_out_rate table_clr_gpc"),
    **_of(_lost, "table_clr_gpc0 table_clr_gpc1 table_conn_cnt table_conn_cur table_conn_rate table_expire"),
    **_of(_lost, "table_glitch_cnt table_glitch_rate table_gpc table_gpc0 table_gpc0_rate table_gpc1 table_gpc1_rate"),
    **_of(_lost, "table_gpc_rate table_gpt table_gpt0 table_http_err_cnt table_http_err_rate table_http_fail_cnt"),
    **_of(_lost, "table_http_fail_rate table_http_req_cnt table_http_req_rate table_idle table_inc_gpc table_inc_gpc0"),
    **_of(_lost, "table_inc_gpc1 table_kbytes_in table_kbytes_out table_server_id table_sess_cnt table_sess_rate"),
    **_of(_lost, "table_trackers tcp.dst tcp.flags tcp.options.mss tcp.options.sack tcp.options.tsopt"),
    **_of(_lost, "tcp.options.tsval tcp.options.wscale tcp.options.wsopt tcp.options_list tcp.seq tcp.src tcp.win"),
    **_of(_lost, "ungrpc when word x509_v_err_str xor"),
}
