"""Every reason for which a file is not taken in is declared once, with its meaning and remedy."""

from __future__ import annotations

import re
from itertools import product

import pytest

from metrics_lake.io.storage import azure
from metrics_lake.sources.file_content import _PACKED
from metrics_lake.sources.quarantine_reasons import PASSING, REASONS, declaration, explained
from tests.rules.reading import ROOT, modules

_RAISED = re.compile(r'UnreadableFile\(\s*f?"([a-z_0-9]+)')
_STREAMS = [
    f"{name}_{harm}" for name, harm in product(("gzip", "zst", "xz", "bz2"), ("truncated", "damaged", "trailing"))
]


def test_every_reason_that_the_code_gives_is_declared() -> None:
    raised = {name for path in modules() for name in _RAISED.findall(path.read_text(encoding="utf-8"))}
    given = {*raised, *_PACKED, *_STREAMS, *azure._REFUSALS.values(), "packed_tar", "not_readable", "archived"}
    assert len(raised) > 10 and not [name for name in given if not declaration(name)]


def test_what_has_passed_is_read_by_the_next_run_and_what_is_damaged_is_not() -> None:
    assert {"archived", "not_permitted", "vanished", "not_readable"} <= PASSING
    assert not {"gzip_truncated", "packed_zip", "not_text", "cut_short"} & PASSING


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no_column_units", "no_column_units: a report without a column that is needed; fetch it again; "),
        ("archived", "archived: a blob in the Archive tier, where it can't be read; rehydrate it"),
        ("of_a_later_version", "of_a_later_version"),
    ],
)
def test_a_reason_is_explained_with_its_remedy(name: str, text: str) -> None:
    assert explained(name).startswith(text)


def test_the_docs_list_every_reason() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = [f"| `{reason.name}` | {reason.meaning} | {reason.remedy} |" for reason in REASONS]
    assert not [row for row in rows if row not in page]
