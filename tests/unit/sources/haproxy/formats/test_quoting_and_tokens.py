"""A log-format string as written in haproxy.cfg, and as HAProxy reads it."""

from __future__ import annotations

import pytest

from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.format_tokens import Item, Text, tokens
from metrics_lake.sources.haproxy.formats.quoting import unquoted


@pytest.mark.parametrize(
    "config_text",
    [
        r"log-format %{+Q}o\ %t\ %s\ %{-Q}r",
        'log-format "%{+Q}o %t %s %{-Q}r"',
        "log-format '%{+Q}o %t %s %{-Q}r'",
        """log-format "%{+Q}o %t"' %s %{-Q}r'""",
        r"""log-format "%{+Q}o %t"' %s'\ %{-Q}r""",
        '  error-log-format   "%{+Q}o %t %s %{-Q}r"   # a comment',
        '"%{+Q}o %t %s %{-Q}r"',
        "'%{+Q}o %t %s %{-Q}r'",
        r"%{+Q}o\ %t\ %s\ %{-Q}r",
        "%{+Q}o %t %s %{-Q}r",
        r'log-format "%{+Q}o\x20%t %s %{-Q}r"',
        r'%{+Q}o\ "%t"\ %s\ %{-Q}r',
        r"""%{+Q}o\ '%t %s'\ %{-Q}r""",
        r'"%{+Q}o"\ %t\ %s\ %{-Q}r',
        'on any format "%{+Q}o %t %s %{-Q}r"',
        "on close drop format '%{+Q}o %t %s %{-Q}r' sd \"%ci\"",
        'log-profile edge\n    on any format "%{+Q}o %t %s %{-Q}r"\n    on error format "%ci"',
        '"%{+Q}o %t\\\n        %s %{-Q}r"',
    ],
)
def test_all_spellings_of_haproxys_manual_mean_the_same(config_text: str) -> None:
    assert unquoted(config_text) == "%{+Q}o %t %s %{-Q}r"


def test_json_keeps_its_quotes_however_it_is_pasted() -> None:
    string = '{"ts":%Ts,"ci":"%ci"}'
    assert unquoted(string) == string
    assert unquoted(f"log-format '{string}'") == string
    assert unquoted(r'log-format "{\"ts\":%Ts,\"ci\":\"%ci\"}"') == string
    assert unquoted(r"{\"ts\":%Ts,\"ci\":\"%ci\"}") == string


def test_a_string_that_only_begins_and_ends_with_quotes_keeps_them() -> None:
    assert unquoted('"%ci" [%tr] "%[var(txn.ua)]"') == '"%ci" [%tr] "%[var(txn.ua)]"'


@pytest.mark.parametrize(
    ("config_text", "problem"),
    [
        ('log-format "%ci %tr', "never closed"),
        ("log-format %ci %tr", "neither quoted nor escaped"),
        (r"log-format %ci\xg0%tr", "hex digits"),
    ],
)
def test_what_haproxy_would_refuse_is_refused_with_its_place(config_text: str, problem: str) -> None:
    with pytest.raises(FormatError, match=problem) as caught:
        unquoted(config_text)
    assert str(caught.value).splitlines()[-1].strip() == "^"


def test_aliases_samples_names_and_flags_are_separated() -> None:
    all_tokens = list(tokens('%{+Q}o a%%b %(ip:str){-Q,+X}ci %[var(txn.x),regsub("[a]",b)]%ST'))
    items = [token for token in all_tokens if isinstance(token, Item)]
    assert [(item.alias, item.sample, item.name, sorted(item.flags)) for item in items] == [
        ("o", "", "", ["Q"]),
        ("ci", "", "ip", ["X"]),
        ("", 'var(txn.x),regsub("[a]",b)', "", ["Q"]),
        ("ST", "", "", ["Q"]),
    ]
    assert "".join(token.text for token in all_tokens if isinstance(token, Text)) == " a%b  "


@pytest.mark.parametrize(
    ("string", "problem", "at"),
    [
        ("%ci %{+Q", "never closed", 5),
        ("%ci %[src", "never closed", 5),
        ("%ci %{+Z}tr", "unknown flag '\\+Z'", 6),
        ("%ci % tr", "without a name", 4),
        ("%ci %(a b)tr", "a name is letters", 5),
    ],
)
def test_a_broken_item_is_pointed_at(string: str, problem: str, at: int) -> None:
    with pytest.raises(FormatError, match=problem) as caught:
        list(tokens(string))
    assert caught.value.at == at


def test_a_long_string_is_shown_around_the_place_only() -> None:
    with pytest.raises(FormatError) as caught:
        list(tokens("x" * 500 + "%{" + "y" * 500))
    excerpt, caret = str(caught.value).splitlines()[1:]
    assert len(excerpt) < 90
    assert excerpt[caret.index("^")] == "{"
