"""What may be the name of a machine: a folder of landing, or the host of a syslog header (definitions.md section 9)."""

from __future__ import annotations

import re

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_DATE_FOLDER = re.compile(
    r"\d+|\d{4}[-_.]\d\d([-_.]\d\d)?([T_.-]\d\d([-_.:h]?\d\d)?Z?)?|\d{4}-?W\d\d|\d{8}[T_.-]?\d\d(?:\d\d)?Z?"
    r"|\d\d?[-_.]\d\d?[-_.]\d{4}|(?i:year|month|week|day|hour|minute|date|dt|hr|y|m|d|h)=[\w:.-]*"
    rf"|(?:\d\d?-)?{_MONTH}(?:-\d{{4}})?|\d{{4}}-{_MONTH}(?:-\d\d?)?",
    re.ASCII,
)
# A day at the beginning or end of a folder's name: `logs-2001-01-15`, `20010115_edge-01`.
_DAY = r"(?:19|20)\d\d(?:-\d\d-|_\d\d_|\.\d\d\.|\d\d)\d\d"
_DAY_IN_NAME = re.compile(rf"[-_.]{_DAY}$|^{_DAY}[-_.]", re.ASCII)
# Folders for logs of any machine.
_PLACES = frozenset({
    "haproxy", "log", "logs", "syslog", "rsyslog", "remote", "central", "archive", "archived", "archives", "old",
    "raw", "var", "in", "incoming", "upload", "uploads", "gz", "hourly", "daily", "weekly", "current", "today",
})  # fmt: skip
# What writes a host that is none: no host, the machine itself, a container's output, a program.
_NO_MACHINES = frozenset({
    "localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback", "stdin", "stdout", "stderr", "haproxy",
    "unknown", "none", "null", "nil", "n/a",
})  # fmt: skip
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)
# Names that a container gets anew at every start: Docker's ids, and the pods of a Kubernetes deployment.
_PASSING = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}|[a-z0-9.-]+-[0-9a-f]{8,10}-[a-z0-9]{5}")
_LONGEST = 255


def can_name_machine(host: str) -> bool:
    """Whether a header's host can be a machine's name: no address, no dash, not `localhost`, `stdout` or a container's id."""
    name = host.lower()
    is_no_machine = name in _NO_MACHINES or name.split(".")[0] == "localhost" or _PASSING.fullmatch(name) is not None
    return len(host) <= _LONGEST and _NAME.fullmatch(host) is not None and not is_no_machine


def undated_folder(path: str) -> str:
    """The folders of a file below its feed's own, without dates."""
    names = (name for name in path.split("/")[1:-1] if not _DATE_FOLDER.fullmatch(name))
    return "/".join(_DAY_IN_NAME.sub("", name) for name in names)


def machine_folder(path: str) -> str:
    """The folders of a file that name the machine whose log it is; empty if none does.

    Neither a date names a machine nor a folder for the logs of any (`logs`, `archive`). A folder may be called after the
    machine's address; of a redacted path that is a mark.
    """
    names = undated_folder(path).split("/")
    return "/".join(name for name in names if name.lower() not in _PLACES | _NO_MACHINES)
