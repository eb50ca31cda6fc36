"""What HAProxy can be told to log, read into the same columns whatever the format.

The built-in formats are told apart line by line; any other log-format string of haproxy.cfg is compiled to a parser.
For commands: `check` shows what a format reads of some lines, `detect` names the format of some lines, and `bound`
compiles what the settings bind to files, or says what is wrong with it.
"""

from metrics_lake.sources.haproxy.formats.binding import bound
from metrics_lake.sources.haproxy.formats.builtin import BUILT_IN, RECOMMENDED
from metrics_lake.sources.haproxy.formats.checking import Check, Detected, Problem, check, detect
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError

__all__ = [
    "BUILT_IN", "RECOMMENDED", "Check", "Detected", "Format", "FormatError", "Problem", "bound", "check", "compiled",
    "detect",
]  # fmt: skip
