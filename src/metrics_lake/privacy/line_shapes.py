"""The shape of a line that could not be read: fixed words of log formats stay, any other letter is `a`, any digit `9`.

A mask by patterns lets an address pass in each spelling that no pattern knows, so it is the other way round: what
isn't on the list goes (definitions.md section 8). Of a listed word its presence alone follows. None has a digit, and
none is made of hex letters only (`Feb`, `be`), since such a word could be a byte or a part of an IPv6 address; so the
names of months are not on it, and a stamp is known by its shape.
"""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from metrics_lake.privacy.hashing import masked

_HAPROXY = (
    "haproxy GET HEAD POST PUT DELETE OPTIONS PATCH CONNECT TRACE PRI HTTP TCP SSL BADREQ NOSRV STATS HTTPCLIENT "
    "OCSP UPDATE PEERS Connect from to Server Proxy backend handshake failure"
)
# Names that shippers and exports give to a line, its time, its place and its origin.
_SHIPPERS = (
    "log message MESSAGE msg line text event events original stream streams stdout stderr time timestamp tag host hostname "
    "source sourcetype index result results value values fields field labels kubernetes docker container_id container_name "
    "pod_name namespace_name data Data kinesis records Records recordId logEvents messageType awslogs logGroup logStream "
    "ingestionTime textPayload jsonPayload insertId resource severity logName receiveTimestamp short_message full_message "
    "version level info facility input agent syslog appname procid msgid pid priority PRIORITY offset file path ident "
    "_source _index _id _raw _time _HOSTNAME _PID _COMM _TRANSPORT _SYSTEMD_UNIT SYSLOG_IDENTIFIER SYSLOG_FACILITY "
    "SYSLOG_PID __CURSOR __REALTIME_TIMESTAMP __MONOTONIC_TIMESTAMP partitionKey sequenceNumber"
)
# Names that administrators commonly give to the fields of a log-format of their own.
_FIELDS = (
    "client client_ip remote_addr src address ip port frontend server status method uri url request referer "
    "user_agent agent host bytes duration"
)
WORDS = frozenset(f"{_HAPROXY} {_SHIPPERS} {_FIELDS}".split())
LONGEST = 512  # characters
# A part of a path as people name it: words with up to three digits. Base64 mixes capitals otherwise.
_NAME = r"(?:(?:\p{Ll}+|\p{Lu}+|(?:\p{Lu}\p{Ll}{2,})+)[0-9]{0,3}|[0-9]{1,3})"
_PLAIN_ELEMENT = rf"^/?[-_.~]*(?:{_NAME}(?:[-_.~]+{_NAME})*[-_.~]*)?$|^/?<[a-z]+>$"
_MOST_DIGITS = 3
_WORD = re.compile(r"\b[A-Za-z_]+\b")


class _Shapes(dict[int, str]):
    """What stands for each character; worked out at its first use."""

    def __missing__(self, code: int) -> str:
        self[code] = _shape_of(chr(code))
        return self[code]


_SHAPES = _Shapes()


def shape(text: pl.Expr) -> pl.Expr:
    """The shape of each text, one character for one, cut to 512. Numbers are never kept, in whatever script."""
    return text.str.slice(0, LONGEST).map_batches(_shaped, return_dtype=pl.String)


def path_element(text: pl.Expr) -> pl.Expr:
    """The first element of a path, as far as it is named by people; of any other, which may spell an address, the shape."""
    shown = masked(text)
    is_plain = shown.str.contains(_PLAIN_ELEMENT) & (shown.str.count_matches("[0-9]") <= _MOST_DIGITS)
    return pl.when(is_plain).then(shown).otherwise(shape(shown))


def _shaped(texts: pl.Series) -> pl.Series:
    shapes = [None if text is None else _line_shape(text) for text in texts]
    return pl.Series(texts.name, shapes, dtype=pl.String)


def _line_shape(text: str) -> str:
    """By Python, as a table costs a tenth of a regular expression for each class of characters."""
    hidden = (
        text.encode().translate(_PRINTABLE).decode()
        if text.isprintable() and text.isascii()
        else text.translate(_SHAPES)
    )
    parts, end = list[str](), 0
    for word in _WORD.finditer(text):
        if word[0] in WORDS:
            parts += [hidden[end : word.start()], word[0]]
            end = word.end()
    return "".join([*parts, hidden[end:]])


def _shape_of(character: str) -> str:
    """Beyond letters and digits only ASCII signs, blanks and tabs stay: any other sign could stand for one of them."""
    category = unicodedata.category(character)
    if category[0] in "LM":
        return "a"
    if category[0] == "N":
        return "9"
    return (
        character
        if character.isascii() and (character.isprintable() or character == "\t")
        else "\N{REPLACEMENT CHARACTER}"
    )


_PRINTABLE = bytes(ord(_shape_of(chr(code))) if 32 <= code < 127 else 0 for code in range(256))
