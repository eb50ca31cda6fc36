"""Any string is a log-format or raises FormatError with a position; any line is parsed or rejected, without another error."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.sources.haproxy.captures import Layouts
from metrics_lake.sources.haproxy.formats import BUILT_IN, RECOMMENDED
from metrics_lake.sources.haproxy.formats.aliases import ALIASES
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.field_values import read

_ITEMS = [
    f"%{flags}{name}"
    for name in (*ALIASES, "o", "[src]", "[var(txn.ua)]", "[req.hdr(referer),json]")
    for flags in ("", "{+Q}", "{+X}", "{+E}", "{+json}")
]
_PIECES = st.one_of(
    st.sampled_from(_ITEMS),
    st.sampled_from([" ", '"', "|", " a=", ",", '","b":"', "[", "]", "\\"]),
    st.text(max_size=3),
)
_STRINGS = st.one_of(
    st.text(max_size=60),
    st.lists(_PIECES, max_size=12).map("".join),
    st.sampled_from([*BUILT_IN.values(), RECOMMENDED]),
)
_WORDS = st.sampled_from(
    [
        "192.0.2.7",
        "::1",
        ":1",
        " [",
        "15/Jan/2001:16:10:25.353",
        "]",
        " ",
        '"',
        "{",
        "}",
        "\\",
        "-1",
        "+5",
        "GET /",
        "a=",
        "979575025",
    ]
)
_LINES = st.lists(st.one_of(st.text(max_size=20), st.lists(_WORDS, max_size=15).map("".join)), min_size=1, max_size=4)


def _form(string: str) -> Format | None:
    try:
        return compiled(string)
    except FormatError as error:
        assert 0 <= error.at <= len(string)
        return None


@given(_STRINGS)
def test_a_string_compiles_or_is_refused_at_a_place(string: str) -> None:
    for pasted in (string, f"%ci %tr {string}", f'log-format "{string}"'):
        _form(pasted)


@given(_STRINGS, _LINES)
def test_a_line_is_read_or_is_not_by_whatever_format(string: str, texts: list[str]) -> None:
    frame = pl.DataFrame({"file_number": 0, "line_number": range(len(texts)), "text": texts})
    for pasted in (string, f"%ci %tr {string}", f"a=%ci b=%tr c=%ST {string}"):
        form = _form(pasted)
        if form:
            parsed = read(frame, form, Layouts())
            assert parsed.height == len(texts)
            assert parsed["is_read"].null_count() == 0
