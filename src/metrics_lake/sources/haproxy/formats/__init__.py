"""Parses every log format of HAProxy into the same columns.

The built-in formats are recognised line by line; any other log-format string of haproxy.cfg is compiled to a parser.
For commands: `check` shows how a format parses sample lines, `detect` names the format of sample lines, and `bound`
compiles the formats that the settings bind to files, or raises FormatError.
"""

from metrics_lake.sources.haproxy.formats.binding import bound
from metrics_lake.sources.haproxy.formats.builtin import BUILT_IN, RECOMMENDED
from metrics_lake.sources.haproxy.formats.checking import Check, Detected, Problem, captures, check, detect
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError

__all__ = [
    "BUILT_IN", "RECOMMENDED", "Check", "Detected", "Format", "FormatError", "Problem", "bound", "captures",
    "check", "compiled", "detect",
]  # fmt: skip
