"""Parses every log format of HAProxy into the same columns.

The built-in formats are recognised line by line; any other log-format string of haproxy.cfg is compiled to a parser.
For commands: `bound` compiles the formats that the settings bind to files, or raises FormatError; checking.py shows how a
format reads sample lines, and names the format of sample lines.
"""

from metrics_lake.sources.haproxy.formats.binding import bound
from metrics_lake.sources.haproxy.formats.builtin import BUILT_IN, RECOMMENDED, known_name
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.parting import Parting

__all__ = ["BUILT_IN", "RECOMMENDED", "Format", "FormatError", "Parting", "bound", "compiled", "known_name"]
