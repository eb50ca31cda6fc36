"""Law 5, for citations: whatever a source file, docstring, table text or page cites is in the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from metrics_lake import catalog
from tests.rules.reading import ROOT, name, texts

DOCS = ROOT / "docs"
TEXTS = {
    name(path): text for path, text in texts() if path.suffix not in (".lock", ".log") and "golden" not in path.parts
}
CITING = {file: text for file, text in TEXTS.items() if file != "tests/rules/test_citations.py"}
PAGES = {file: text for file, text in TEXTS.items() if file.endswith(".md")}
HEADINGS = re.findall(r"^## (\d+)\. ", (DOCS / "definitions.md").read_text(encoding="utf-8"), re.MULTILINE)

_PAGE = re.compile(r"(?<![\w*./-])((?:[\w.-]+/)*[\w-]+\.md)\b")
_SECTION = re.compile(r"(?:\b(definitions\.md|RFC \d+),?[\s#*)-]+)?\bsections?[\s#*-]+(\d+)(?: (?:to|and) (\d+))?")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FOLDERS = ("src", "tests", "conf", "scripts", "pipelines", "docs", "resources", "notebooks")
_NAMED = re.compile(rf"(?<![\w/.~$}}-])((?:{'|'.join(_FOLDERS)})/[\w./-]*\w)")
_OF_OTHERS = {"src/log.c", "conf/spark-env.sh", "conf/NAME.yaml"}  # HAProxy's, Spark's, and whatever a reader calls it


def unfound(file: str, text: str) -> Iterator[str]:
    """The pages that a text names and that lie neither at the root, nor in docs, nor beside it."""
    for page in _PAGE.findall(text):
        if not any((folder / page).is_file() for folder in (ROOT, DOCS, (ROOT / file).parent)):
            yield f"{file}: {page}"


def unknown_sections(file: str, text: str) -> Iterator[str]:
    """Citations of a section of the definitions that doesn't exist, or of a section of nobody knows what."""
    for document, first, last in _SECTION.findall(text):
        if document.startswith("RFC"):
            continue
        if not document or {first, last or first} - set(HEADINGS):
            yield f"{file}: section {first}"


def slug(heading: str) -> str:
    """A heading as a link names it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(file: str, text: str) -> Iterator[str]:
    """The links of a page to a file, or a heading of it, that isn't there."""
    for link in _LINK.findall(text):
        place, _, heading = link.partition("#")
        target = (ROOT / file).parent / place if place else ROOT / file
        if "://" not in link and not (target.exists() and (not heading or heading in headings(target))):
            yield f"{file}: {link}"


def headings(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)}


def test_every_page_that_a_file_cites_is_in_the_repository():
    assert not [citation for file, text in CITING.items() for citation in unfound(file, text)]


def test_every_section_that_a_file_cites_is_one_of_the_definitions():
    files = {file: text for file, text in CITING.items() if file != "docs/definitions.md"}
    assert [str(number) for number in range(1, len(HEADINGS) + 1)] == HEADINGS
    assert not [citation for file, text in files.items() for citation in unknown_sections(file, text)]


def test_the_definitions_cite_their_own_sections_alone():
    text = (DOCS / "definitions.md").read_text(encoding="utf-8")
    cited = {number for numbers in re.findall(r"\bsections? (\d+)(?: to (\d+))?", text) for number in numbers if number}
    assert cited and cited <= set(HEADINGS)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    assert not list(broken_links(page, PAGES[page]))


def test_every_file_that_a_page_or_a_source_names_is_there():
    ours = {
        file: text for file, text in CITING.items() if file.startswith(("src/", "docs/", "conf/")) or "/" not in file
    }
    named = [(file, path) for file, text in ours.items() for path in _NAMED.findall(text) if path not in _OF_OTHERS]
    assert named and not [(file, path) for file, path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize(("page", "number"), [("DECISIONS.md", r"^(\d+)\. "), ("docs/field-notes.md", r"^(\d+)\. ")])
def test_every_numbered_entry_that_a_file_cites_exists(page, number):
    known = re.findall(number, PAGES[page], re.MULTILINE)
    assert known == [str(number) for number in range(1, len(known) + 1)]
    called = re.compile(rf"{re.escape(Path(page).name)}, (\d+)(?: and (\d+))?")
    cited = {number for text in CITING.values() for pair in called.findall(text) for number in pair if number}
    assert cited and cited <= set(known)


def test_no_file_cites_a_document_that_is_elsewhere():
    elsewhere = re.compile(r"\bof the reference\b|\bpitfalls\b|\bdesign card\b")
    assert not [file for file, text in CITING.items() if elsewhere.search(text)]


@pytest.mark.parametrize("table", catalog.tables().values(), ids=lambda table: table.name)
def test_what_a_table_s_texts_cite_is_in_the_repository(table):
    for column in table.fields:
        assert not [*unfound("CATALOG.md", column.comment), *unknown_sections(table.name, column.comment)]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Merged (definitions.md section 2).", []),
        ("Merged (definitions.md\nsection 2).", []),
        ("Merged (definitions.md section 99).", ["a.py: section 99"]),
        ("Merged (section 2).", ["a.py: section 2"]),
        ("By definitions.md, sections 1 to 7.", []),
        ("RFC 5869, section 2, written out.", []),
    ],
)
def test_a_citation_of_a_section_is_judged_by_what_it_names(text, wrong):
    assert list(unknown_sections("a.py", text)) == wrong
