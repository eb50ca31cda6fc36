"""What is brought in from outside is pinned, and nothing of one machine or one registry stands in the repository."""

from __future__ import annotations

import re

import pytest

from tests.rules.reading import PROJECT, ROOT, name, texts

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[\w,-]+\])?==([^\s;]+)( ; [^\\]+)?(?: \\)?$")


def test_every_package_is_pinned_to_a_version_with_its_hashes():
    body = [line for line in LOCK.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    pins, hashes = [], {}
    for line in body:
        if line.startswith((" ", "\t")):
            assert re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}( \\)?", line), line
            hashes[pins[-1]] = hashes.get(pins[-1], 0) + 1
        else:
            assert _PIN.match(line), line
            pins.append(line)
    assert len(pins) > 40 and all(hashes.get(pin) for pin in pins)


def test_the_lock_names_no_address():
    assert "://" not in LOCK and "--index" not in LOCK and " @ " not in LOCK


def test_all_that_the_project_asks_for_is_in_the_lock():
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(package for extra in project["optional-dependencies"].values() for package in extra),
        *PROJECT["dependency-groups"]["dev"],
    ]
    names = {re.match(r"[A-Za-z0-9._-]+", package)[0].lower().replace("_", "-") for package in wanted}
    pinned = {match[1].lower().replace("_", "-") for line in LOCK.splitlines() if (match := _PIN.match(line))}
    assert names and names - {project["name"]} <= pinned


@pytest.mark.parametrize(("file", "root"), [("conf", ":delta-spark_"), ("scripts/setup/servers/kafka", ":kafka_")])
def test_every_jar_is_pinned_by_its_hash(file, root):
    text = (ROOT / file / "jars.lock").read_text(encoding="utf-8")
    body = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert body and all(re.fullmatch(r"[0-9a-f]{64}  [\w.-]+:[\w.-]+:[\w.-]+", line) for line in body)
    assert any(root in line for line in body)


_MACHINES = re.compile(r"(?<![\w.>}~/])/(?:work|root|home|Users)/\w")
_REGISTRIES = re.compile(
    "|".join(
        rf"\b{re.escape(host)}\b"
        for host in (
            ".".join(parts)
            for parts in (
                ("pypi", "org"), ("files", "pythonhosted", "org"), ("repo1", "maven", "org"), ("repo", "maven", "apache", "org"),
                ("registry", "npmjs", "org"), ("proxy", "golang", "org"), ("static", "crates", "io"), ("deb", "debian", "org"),
            )
        )
    )
)  # fmt: skip


@pytest.mark.parametrize("pattern", [_MACHINES, _REGISTRIES], ids=["machines", "registries"])
def test_nothing_of_one_machine_or_registry_is_kept(pattern):
    here = ROOT / "tests" / "rules" / "test_supply.py"
    assert not [(name(path), match[0]) for path, text in texts() if path != here and (match := pattern.search(text))]


def test_no_secret_is_kept():
    keys = re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----|AccountKey=[A-Za-z0-9+/=]{20,}|\bAKIA[0-9A-Z]{16}\b|[?&]sig=[A-Za-z0-9%]{20,}"
    )
    assert not [(name(path), match[0][:20]) for path, text in texts() if (match := keys.search(text))]
