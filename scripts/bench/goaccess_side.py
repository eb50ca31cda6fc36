"""The GoAccess side: one pass over the same files, for a report of requests, visitors, agents and referrers.

It counts hits, not listening: no sessions, no peaks, no tenants. Catch: of `address:port` it reads IPv4 only, so it
passes over every line of a client on IPv6, which is to its favour.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from corpus import Corpus
from machine import Measured, measure

# `option httplog` behind a BSD syslog header, with the captures {Host|Referer|User-Agent} and maybe those of the answer.
_FORMAT = '%^]: %h:%^ [%d:%t.%^] %^ %^ %^/%^/%^/%^/%L %s %b %^{%v|%R|%u}%^"%r"'
_OPTIONS = ("--no-global-config", "--date-format=%d/%b/%Y", "--time-format=%H:%M:%S", f"--log-format={_FORMAT}")


def is_there() -> bool:
    return shutil.which("goaccess") is not None


def run(corpus: Corpus, scratch: Path) -> tuple[Measured, dict[str, Any]]:
    """Its measure, and what it made of the lines."""
    report = scratch / "goaccess.json"
    pipeline = 'out=$1; shift; zcat "$0" "$@" | goaccess - -o "$out"'
    files = [str(file) for file in corpus.files]
    options = " ".join(f"'{option}'" for option in _OPTIONS)
    command = ["sh", "-c", f"{pipeline} {options}", files[0], str(report), *files[1:]]
    measured = measure(command, scratch / "goaccess.log")
    general = json.loads(report.read_text(errors="replace"))["general"]
    return measured, {name: general[name] for name in ("total_requests", "valid_requests", "failed_requests")}
