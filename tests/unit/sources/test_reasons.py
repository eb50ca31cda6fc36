"""docs/reasons.md is made of the one list of reasons, and the list is that of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metrics_lake.privacy.hashing import Hasher
from metrics_lake.silver.merging import exclusion
from metrics_lake.sources import reasons
from metrics_lake.sources.lookups import user_agents
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, line, parse, rules_of

ROOT = Path(__file__).parents[3]
SRC = ROOT / "src" / "metrics_lake"
LINES = [reason for reason in reasons.REASONS if reason.kind == reasons.LINE]


def names(*kinds: str) -> set[str]:
    return {reason.name for reason in reasons.REASONS if reason.kind in kinds}


def test_the_page_of_reasons_is_what_the_list_says():
    page = (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
    assert page == reasons.render(), "run: python -m metrics_lake.catalog reasons > docs/reasons.md"


def test_no_reason_stands_twice_and_each_has_a_meaning_and_an_example():
    pairs = [(reason.kind, reason.name) for reason in reasons.REASONS]
    assert len(set(pairs)) == len(pairs)
    assert all(reason.meaning and reason.example for reason in reasons.REASONS)


def test_the_list_has_every_reason_of_a_file_in_quarantine_that_the_code_gives():
    raised = "".join(path.read_text(encoding="utf-8") for path in SRC.rglob("*.py"))
    given = {
        re.sub("no_column_.*", "no_column_*", name) for name in re.findall(r'UnreadableFile\(f?"([a-z_]+)', raised)
    }
    assert given - names(reasons.FILE) == set()


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("sources/haproxy/line_classes.py", "sources/haproxy/formats/reject_reasons.py"), reasons.LINE),
        (("sources/stores/app_store_sales.py", "sources/stores/google_play_installs.py", "sources/stores/raw_table.py"), reasons.ROW),
        (("silver/merging.py",), reasons.SESSION),
    ],
)  # fmt: skip
def test_the_list_has_every_reason_that_the_code_gives(files, kind):
    code = "".join((SRC / file).read_text(encoding="utf-8") for file in files)
    given = set(re.findall(r'(?:then|otherwise|reason=)\(?pl\.lit\("([a-z_]+)"', code))
    assert len(given) > 3 and given - names(kind) == set()


def test_the_list_has_every_kind_of_client():
    assert set(user_agents.KINDS) <= names(reasons.SESSION) and exclusion.__doc__


@pytest.mark.parametrize("reason", LINES, ids=lambda reason: reason.name)
def test_the_example_of_each_reason_is_rejected_for_it(monkeypatch, reason):
    """The first line of a file, the last, or one in the middle, as the reason wants it."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    example = re.sub(r"\{(\d+) characters\}", lambda match: "x" * int(match[1]), reason.example)
    lines = [line(1), example, line(2)]
    if reason.name == "cut_at_start_of_file":
        lines = [example, line(2)]
    whole = "\n".join(lines[:2] if reason.name == "cut_at_end_of_file" else lines)
    settings = {"haproxy": {"address_mode": "hashed"}} if reason.name == "address_not_hashed" else {}
    if reason.name == "key_destroyed":
        settings = {"privacy": {"key_rotation": "monthly"}}
        monkeypatch.setattr(Hasher, "is_destroyed", lambda *_: True)
    got = parse(InMemoryFile(whole.encode()), rules=rules_of(**settings))
    assert got.rejects[lines.index(example) + 1] == reason.name
