"""What an audit found, and how it is said: never with the address itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from metrics_lake.audit.chance import is_no_accident


def masked(needle: str) -> str:
    """Four hex digits that tell two finds apart and lead back to no address."""
    return hashlib.sha256(needle.encode()).hexdigest()[:4]


@dataclass(frozen=True)
class Finding:
    """One address or key in one place. `form` is how it was written, `needle` a mask of it.

    `expected_by_chance` is how many such hits the file would hold by accident; 0 for forms that leave no doubt.
    """

    file: str
    place: str
    form: str
    needle: str
    expected_by_chance: float = 0.0


@dataclass(frozen=True)
class Report:
    """`findings` are what fails an audit. `doubtful` are numbers that may well be no addresses: there are as many as
    chance alone would give. `unread` names what could not be unpacked, and why; its bytes were searched as they lie.
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

    def by_form(self) -> Counter[str]:
        return Counter(finding.form for finding in self.findings)

    def by_file(self) -> Counter[Path]:
        return Counter(Path(finding.file) for finding in self.findings)


Weak = Mapping[str, Mapping[str, Finding]]


def judged(files: Sequence[tuple[Weak, Mapping[str, float]]]) -> tuple[list[Finding], list[Finding]]:
    """(findings, doubtful) of hits that may be plain numbers: what a file holds beyond chance, and what it doesn't."""
    findings: list[Finding] = []
    doubtful: list[Finding] = []
    for form in sorted({form for weak, _ in files for form in weak}):
        places = sum(1 for _, expected in files if expected.get(form))
        for weak, expected in files:
            hits = [replace(hit, expected_by_chance=expected.get(form, 0.0)) for hit in weak.get(form, {}).values()]
            stands_out = is_no_accident(len(hits), expected.get(form, 0.0), places)
            (findings if stands_out else doubtful).extend(hits)
    return findings, doubtful
