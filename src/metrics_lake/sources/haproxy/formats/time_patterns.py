"""Reads dates back by the strftime pattern that wrote them: HAProxy's `ltime`, `utime` and their like (its manual, 7.3.1)."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from metrics_lake.sources.haproxy.formats.shapes import Shape

_DIGITS, _LETTERS = string.digits, string.ascii_letters
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# What each letter of a pattern writes, and the part of the date that it is; HAProxy runs in the C locale.
_LETTER: Mapping[str, tuple[str, str, str]] = {
    "Y": ("year", r"\d{4}", _DIGITS),
    "y": ("short_year", r"\d\d", _DIGITS),
    "m": ("month", r"\d\d", _DIGITS),
    "b": ("month_name", r"[A-Z][a-z]{2}", _LETTERS),
    "h": ("month_name", r"[A-Z][a-z]{2}", _LETTERS),
    "B": ("month_name", r"[A-Z][a-z]{2,8}", _LETTERS),
    "d": ("day", r"\d\d", _DIGITS),
    "e": ("day", r"[ \d]\d", _DIGITS + " "),
    "j": ("day_of_year", r"\d{3}", _DIGITS),
    "H": ("hour", r"\d\d", _DIGITS),
    "k": ("hour", r"[ \d]\d", _DIGITS + " "),
    "I": ("half_day_hour", r"\d\d", _DIGITS),
    "l": ("half_day_hour", r"[ \d]\d", _DIGITS + " "),
    "p": ("half", r"[AP]M", "APM"),
    "P": ("half", r"[ap]m", "apm"),
    "M": ("minute", r"\d\d", _DIGITS),
    "S": ("second", r"\d\d", _DIGITS),
    "s": ("epoch", r"\d{9,11}", _DIGITS),
    "z": ("zone", r"[+-]\d{4}", _DIGITS + "+-"),
    "a": ("", r"[A-Z][a-z]{2}", _LETTERS),
    "A": ("", r"[A-Z][a-z]{5,8}", _LETTERS),
    "Z": ("", r"[A-Z]{1,5}|[+-]\d{2,4}", _LETTERS + _DIGITS + "+-"),
    "u": ("", r"\d", _DIGITS),
    "w": ("", r"\d", _DIGITS),
    "U": ("", r"\d\d", _DIGITS),
    "W": ("", r"\d\d", _DIGITS),
    "V": ("", r"\d\d", _DIGITS),
}
_SHORT = {
    "c": "%a %b %e %H:%M:%S %Y", "D": "%m/%d/%y", "x": "%m/%d/%y", "F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S",
    "R": "%H:%M", "r": "%I:%M:%S %p",
}  # fmt: skip
_TOKEN = re.compile(r"%(\d*)N|%(.)|([^%])", re.S)
_DATE = ({"year", "short_year"}, {"month", "month_name", "day_of_year"}, {"day", "day_of_year"})
_TIME = ({"hour", "half_day_hour"}, {"minute"})


class PatternError(ValueError):
    """A pattern that doesn't name an instant, or can't be read back."""


@dataclass(frozen=True)
class TimePattern:
    """A pattern of strftime, to be read back: a regular expression with a group for each part of the date."""

    regex: str
    shape: Shape
    parts: tuple[str, ...]

    @property
    def is_zoned(self) -> bool:
        """Whether it names an instant by itself, whatever the clock of the machine."""
        return "zone" in self.parts or "epoch" in self.parts

    @property
    def has_seconds(self) -> bool:
        return "second" in self.parts or "epoch" in self.parts

    def milliseconds(self, series: pl.Series) -> pl.Series:
        """Milliseconds since 1970 of dates, on the clock that wrote them unless the pattern has an offset. Null if none."""
        groups = series.to_frame("text").select(pl.col("text").str.extract_groups(self.regex).alias("date"))
        return groups.unnest("date").select(self._milliseconds()).to_series()

    def _milliseconds(self) -> pl.Expr:
        fraction = pl.col("fraction").str.pad_end(3, "0").str.head(3) if "fraction" in self.parts else pl.lit("0")
        thousandths = fraction.cast(pl.Int64, strict=False)
        if "epoch" in self.parts:
            return pl.col("epoch").cast(pl.Int64, strict=False) * 1000 + thousandths
        date, form = _date_text(self.parts)
        second = pl.col("second") if "second" in self.parts else pl.lit("00")
        text = pl.concat_str(date, pl.lit(" "), self._hour(), pl.lit(":"), "minute", pl.lit(":"), second)
        wall = text.str.to_datetime(f"{form} %H:%M:%S", strict=False).dt.epoch("ms") + thousandths
        return wall - _east_ms() if "zone" in self.parts else wall

    def _hour(self) -> pl.Expr:
        if "hour" in self.parts:
            return _two_digits("hour")
        noon = (pl.col("half").str.to_lowercase() == "pm").cast(pl.Int64) * 12
        hour = pl.col("half_day_hour").str.strip_chars().cast(pl.Int64, strict=False) % 12 + noon
        return hour.cast(pl.String).str.zfill(2)


@lru_cache(maxsize=64)
def time_pattern(pattern: str) -> TimePattern:
    """A pattern, compiled. Raises PatternError, whose text says what is missing or can't be read back."""
    for letter, longer in _SHORT.items():
        pattern = re.sub(rf"(?<!%)((?:%%)*)%{letter}", lambda match, text=longer: match[1] + text, pattern)  # type: ignore[misc]
    regex, shown, characters, parts = "", "", set[str](), list[str]()
    for width, letter, literal in _TOKEN.findall(pattern):
        part, expression, letters = _piece(width, letter, literal)
        if part in parts:
            part = ""
        parts += [part] if part else []
        regex += f"(?P<{part}>{expression})" if part else f"(?:{expression})"
        shown += f"(?:{expression})"
        characters |= set(letters)
    _check(parts)
    return TimePattern(f"^{regex}$", Shape("date", frozenset(characters), shown), tuple(parts))


def _piece(width: str, letter: str, literal: str) -> tuple[str, str, str]:
    """The part of the date, the expression and the characters of one piece of a pattern."""
    if literal or letter == "%":
        char = literal or "%"
        return "", re.escape(char), char
    if letter in _LETTER:
        return _LETTER[letter]
    if letter:
        raise PatternError(f"has a pattern with %{letter}, which can't be read back,")
    return "fraction", rf"\d{{{int(width or 9)}}}", _DIGITS


def _check(parts: list[str]) -> None:
    names = set(parts)
    if "epoch" in names:
        return
    if not all(names & choices for choices in _DATE):
        raise PatternError("has a pattern without a whole date (year, month and day)")
    if not all(names & choices for choices in _TIME) or ("hour" not in names and "half" not in names):
        raise PatternError("has a pattern without a time of day (hour and minute)")


def _date_text(parts: tuple[str, ...]) -> tuple[pl.Expr, str]:
    """The date as one text, and the form in which Polars reads it."""
    year = pl.col("year") if "year" in parts else pl.lit("20") + pl.col("short_year")
    if "day_of_year" in parts:
        return pl.concat_str(year, pl.lit("-"), "day_of_year"), "%Y-%j"
    month = pl.col("month") if "month" in parts else _month_number()
    return pl.concat_str(year, pl.lit("-"), month, pl.lit("-"), _two_digits("day")), "%Y-%m-%d"


def _month_number() -> pl.Expr:
    names = {name: f"{number:02}" for number, name in enumerate(_MONTHS, 1)}
    return pl.col("month_name").str.head(3).replace_strict(names, default=None, return_dtype=pl.String)


def _two_digits(column: str) -> pl.Expr:
    return pl.col(column).str.replace(" ", "0", literal=True)


def _east_ms() -> pl.Expr:
    zone = pl.col("zone")
    hours, minutes = (zone.str.slice(at, 2).cast(pl.Int64, strict=False) for at in (1, 3))
    east = (hours * 60 + minutes) * 60_000
    return pl.when(zone.str.starts_with("-")).then(-east).otherwise(east)
