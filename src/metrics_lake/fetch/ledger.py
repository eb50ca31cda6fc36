"""The reports fetched so far: files in landing with dated names, and a ledger with the source of each.

A report that its app store rewrites becomes a new file beside the old one, so that no file changes after it was read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from metrics_lake.io.storage.blobs import blobs_in

_LEDGER = ".fetched.json"  # hidden, so that it is not taken for a report
LANDED, UNCHANGED, NOT_YET, NO_SALES = "landed", "unchanged", "not there yet", "no sales"


class FetchError(Exception):
    """An app store can't be reached, or refuses; the message names the remedy. Reports fetched before are landed."""


@dataclass(frozen=True)
class Clock:
    """The time, and a way to wait some seconds. Tests give their own."""

    now: Callable[[], datetime]
    wait: Callable[[float], None]


@dataclass(frozen=True)
class Outcome:
    """The result for one report: landed, unchanged, not there yet, or no sales."""

    report: str
    what: str


class ReportFolder:
    """One app store's folder of landing, with its ledger."""

    def __init__(self, landing: str, folder: str) -> None:
        self._blobs, self._folder = blobs_in(landing), folder
        self._ledger: dict[str, dict[str, str]] = json.loads(self._blobs.read(f"{folder}/{_LEDGER}") or b"{}")

    def version(self, report: str) -> str | None:
        """The version of a report that was fetched last; None if none was."""
        return self._ledger.get(report, {}).get("version")

    def add(
        self, report: str, text: str, *, version: str, written_at: datetime, suffix: str, source: str, folder: str = ""
    ) -> bool:
        """Lands a report whose content has changed, and says whether it did. The ledger is written after the file."""
        content = tidied(text).encode()
        digest, before = hashlib.sha256(content).hexdigest(), self._ledger.get(report, {})
        is_new = digest != before.get("sha256")
        if not is_new and version == before.get("version"):
            return False
        path = before.get("path", "")
        if is_new:
            path = f"{self._folder}/{folder}{report}.{written_at:%Y%m%dT%H%M%SZ}{suffix}"
            self._blobs.write(path, content)
        self._ledger[report] = {
            "path": path,
            "sha256": digest,
            "version": version,
            "written_at": written_at.isoformat(timespec="seconds"),
            "source": source,
        }
        ledger = json.dumps(self._ledger, indent=1, sort_keys=True)
        self._blobs.write(f"{self._folder}/{_LEDGER}", ledger.encode())
        return is_new


def tidied(text: str) -> str:
    """A report with plain line ends, also after its last line, and column names without blanks around them."""
    head, _, rest = text.replace("\r\n", "\n").lstrip("\ufeff\n").partition("\n")
    head = re.sub(r"[^\S\t]*([\t,;])[^\S\t]*", r"\1", head.strip(" "))
    return f"{head}\n{rest.rstrip(chr(10))}".rstrip("\n") + "\n"
