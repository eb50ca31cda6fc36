"""Who holds a key or sees an address: docs/privacy.md lists the folders, and the imports prove the list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.rules.reading import ROOT, SRC, imports, modules, tree

PAGE = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `([\w/]+)` \| (yes|no) \| (yes|no) \|", re.MULTILINE)
# Whatever else is imported of these modules is a key, gives one, or does something under one.
_OF_KEYS = ("metrics_lake.privacy.hashing", "metrics_lake.privacy.salts", "metrics_lake.privacy.redaction")
_SECRETS = ("metrics_lake.config.secrets.read_secret", "metrics_lake.config.secrets.deployment_secret")
_KEYLESS = {
    "metrics_lake.privacy.hashing": {"ID_BYTES", "ROTATIONS", "canonical", "epoch_of", "masked"},
    "metrics_lake.privacy.salts": {"KeyDestroyed"},
    "metrics_lake.privacy.redaction": {"holds_address", "without_addresses"},
}
# Who imports one of these parses, looks up or hashes an address, or is given some to erase or to search for.
_OF_ADDRESSES = (
    "ipaddress",
    "metrics_lake.privacy.hashing.canonical",
    "metrics_lake.sources.haproxy.erasure_request",
    "metrics_lake.audit.landed_addresses",
)


def folder(path: Path) -> str:
    return path.relative_to(SRC).parent.as_posix()


def is_key(imported: str) -> bool:
    module, _, last = imported.rpartition(".")
    return (
        imported in _OF_KEYS or imported.startswith(_SECRETS) or (module in _OF_KEYS and last not in _KEYLESS[module])
    )


def asks_for_the_secret(path: Path) -> bool:
    calls = (node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    return any(isinstance(func, ast.Attribute) and func.attr in ("secret", "deployment_secret") for func in calls)


def holds_a_key(path: Path) -> bool:
    return folder(path) == "privacy" or asks_for_the_secret(path) or any(map(is_key, imports(path)))


def sees_addresses(path: Path) -> bool:
    return any(f"{imported}.".startswith(f"{module}.") for imported in imports(path) for module in _OF_ADDRESSES)


def test_the_privacy_page_names_each_folder_whose_code_holds_a_key_and_no_other():
    assert {folder(path) for path in modules() if holds_a_key(path)} == {
        row[0] for row in _ROW.findall(PAGE) if row[1] == "yes"
    }


def test_the_privacy_page_names_each_folder_whose_code_sees_an_address_and_no_other():
    assert {folder(path) for path in modules() if sees_addresses(path)} == {
        row[0] for row in _ROW.findall(PAGE) if row[2] == "yes"
    }


def test_the_code_that_answers_people_and_stores_tables_holds_no_key_and_sees_no_address():
    closed = {"bronze", "silver", "gold", "serve", "serve/rollup", "io/lake", "io/documents", "io/storage"}
    assert not closed & {row[0] for row in _ROW.findall(PAGE)}


def test_a_key_would_be_seen_and_a_harmless_name_is_none():
    keys = (
        "privacy.hashing.Hasher",
        "privacy.salts",
        "privacy.salts.read",
        "privacy.redaction.Names",
        "config.secrets.read_secret",
    )
    assert all(is_key(f"metrics_lake.{key}") for key in keys)
    assert not any(is_key(f"metrics_lake.{name}") for name in ("privacy.hashing.masked", "config.secrets.cosmos_key"))
