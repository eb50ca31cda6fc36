"""The findings of an audit, written without the address or key itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from metrics_lake.audit.false_alarms import is_no_accident


def mark_of(text: str) -> str:
    """Four hex digits that distinguish two findings and from which no address follows."""
    return hashlib.sha256(text.encode()).hexdigest()[:4]


@dataclass(frozen=True)
class Finding:
    """One address or key in one place. `form` is how it was written, `mark` stands for the address or key.

    `expected_by_chance` is the number of such hits in the file by chance; 0 for certain forms.
    """

    file: str
    place: str
    form: str
    mark: str
    expected_by_chance: float = 0.0


@dataclass(frozen=True)
class Report:
    """`findings` fail an audit. `doubtful` are numbers that may be no addresses: chance alone would give as many.
    `unread` names what could not be unpacked, and why; its packed bytes were searched.
    """

    findings: list[Finding] = field(default_factory=list)
    doubtful: list[Finding] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    file_count: int = 0
    byte_count: int = 0
    unpacked_byte_count: int = 0
    address_count: int = 0
    key_count: int = 0
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not self.findings


Weak = Mapping[str, Mapping[str, Finding]]


def judged(files: Sequence[tuple[Weak, Mapping[str, float]]]) -> tuple[list[Finding], list[Finding]]:
    """(findings, doubtful) of hits that may be plain numbers: more than chance would give in a file, or not."""
    findings: list[Finding] = []
    doubtful: list[Finding] = []
    for form in sorted({form for weak, _ in files for form in weak}):
        places = sum(1 for _, expected in files if expected.get(form))
        for weak, expected in files:
            hits = [replace(hit, expected_by_chance=expected.get(form, 0.0)) for hit in weak.get(form, {}).values()]
            stands_out = is_no_accident(len(hits), expected.get(form, 0.0), places)
            (findings if stands_out else doubtful).extend(hits)
    return findings, doubtful
