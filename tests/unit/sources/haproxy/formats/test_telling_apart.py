"""If a log-format is accepted, every used field is parsed from its lines, whatever characters it contains."""

from __future__ import annotations

import re

import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from metrics_lake.sources.haproxy.formats.aliases import ALIASES
from metrics_lake.sources.haproxy.formats.compiler import compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.fields import Field, _written
from metrics_lake.sources.haproxy.formats.format_tokens import Text, tokens
from metrics_lake.sources.haproxy.formats.shapes import Shape
from metrics_lake.sources.haproxy.formats.splitting import split

_SAMPLES = ("[src]", "[var(txn.ua)]", "[req.hdr(referer)]", "[var(txn.x)]", "[ssl_fc_sni]", "[src,sha2,hex]")
_ITEMS = st.sampled_from([f"%{q}{name}" for name in (*ALIASES, *_SAMPLES) for q in ("", "{+Q}")])
_BETWEEN = st.sampled_from([" ", " ", " ", "/", ":", ",", "|", " a=", ' "', '" ', "] [", "", ";b="])
_FORMATS = st.lists(st.tuples(_ITEMS, _BETWEEN), min_size=1, max_size=9).map(
    lambda pairs: "%ci [%tr] " + "".join(item + text for item, text in pairs)
)
_GROUPS = st.sampled_from(["", "{a b}", "{a|b:c/d}", "{}"])


def _values(shape: Shape) -> st.SearchStrategy[str]:
    """Any value of a shape; free text without the signs that a telling text is made of, and braces in captures alone."""
    if shape.name == "captures":
        return _GROUPS
    if shape.exact:
        return st.from_regex(rf"\A(?:{shape.exact})\Z", alphabet=st.characters(codec="ascii"))
    letters = "abc XYZ019.-" if shape.is_open else "".join(sorted(shape.characters - {"{", "}"}))
    return st.text(st.sampled_from(letters), min_size=1, max_size=12).filter(lambda text: text == text.strip())


def _line(draw: st.DrawFn, string: str) -> tuple[str, dict[str, str]]:
    """A line as HAProxy writes it: runs of blanks are one, and none stands behind another (`LOG_FMT_SEPARATOR`)."""
    line, values = "", dict[str, str]()
    for token in tokens(string):
        if isinstance(token, Text):
            for part in re.findall(" +|[^ ]+", token.text):
                line += part if part.strip() else "" if line[-1:] in ("", " ") else " "
            continue
        quote = '"' if "Q" in token.flags and (token.sample or ALIASES[token.alias].is_text) else ""
        (field,) = (piece for piece in _written(token, "", string, {}) if isinstance(piece, Field))
        value = draw(_values(field.shape))
        field_text = f"{quote}{value}{quote}" if value or not field.is_elided else ""
        line += field_text
        if field.column:
            values.setdefault(field.column, field_text if field.is_elided else value)
    return line, values


@given(st.data(), _FORMATS)
def test_fields_come_back_as_they_were_written(data: st.DataObject, string: str) -> None:
    try:
        form = compiled(string)
    except FormatError:
        assume(False)
    line, values = data.draw(st.composite(lambda draw: _line(draw, string))())
    (row,) = split(pl.DataFrame({"text": [line]}), form).rows(named=True)
    for name in form.columns:
        value_read = row[name] or ""
        if name.startswith("capture"):  # those of answers may stand behind them
            assert value_read.strip().startswith(values[name]), (string, line)
        else:
            assert value_read == values[name], (string, line)
