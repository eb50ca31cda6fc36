"""The country file that tells where listeners are: brought from npm, or from a file or URL that one names, and refreshed.

It is checked before it takes the old one's place, and says beside itself where it comes from (`country.json`). It is never
part of the package, and no address is asked of anybody: the file is read on this machine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import maxminddb
import requests

from metrics_lake.config.places import FETCHED_COUNTRIES
from metrics_lake.fetch.ledger import FetchError
from metrics_lake.sources.lookups.geo import country_of

PACKAGE = "@ip-location-db/geo-whois-asn-country-mmdb"
_MEMBER = "geo-whois-asn-country.mmdb"  # of the package: IPv4 and IPv6 in one
_SUFFIX = ".mmdb"
_MOST_BYTES = 1 << 30
_PROBED = 100_000  # networks that are looked into for a first country
_SECONDS = 300
_REMEDY = "name a country file in MaxMind's format (.mmdb) with --from FILE or URL"


@dataclass(frozen=True)
class Package:
    """A country file as it was brought: its bytes, where from, its version and licence where they are stated."""

    content: bytes
    source: str
    version: str = ""
    licence: str = ""
    notices: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CountryFile:
    """The country file that is in use now. `is_new` is false where the one before had the same bytes."""

    path: Path
    is_new: bool
    size_bytes: int
    sha256: str
    built_at: datetime
    source: str
    version: str
    licence: str


def from_npm() -> Package:
    """The newest free country file from npm's registry, by the npm of this machine. Raises FetchError."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError(f"npm is not installed, which has the free country file; install it, or {_REMEDY}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS, check=True)
            content = next(Path(folder).glob("*.tgz")).read_bytes()
        except (subprocess.SubprocessError, OSError, StopIteration):
            raise FetchError(
                f"npm could not bring {PACKAGE}: see what `npm pack {PACKAGE}` says, or {_REMEDY}"
            ) from None
    files = _members(content)
    stated = json.loads(files.get("package.json", b"{}"))
    notices = {name: text.decode("utf-8", "replace") for name, text in files.items() if "LICEN" in name.upper()}
    return Package(files[_MEMBER], f"npm {PACKAGE}", stated.get("version", ""), stated.get("license", ""), notices)


def from_place(place: str) -> Package:
    """A country file from a file or URL, plain, gzip or within a tar. Raises FetchError."""
    content = _downloaded(place) if place.startswith(("http://", "https://")) else _read(Path(place))
    return Package(_unpacked(content, place), place.partition("?")[0])


def install(package: Package, folder: Path, now: datetime) -> CountryFile:
    """Puts a country file into its place under the name that the jobs look for, if it is one. Raises FetchError."""
    path, digest = folder / FETCHED_COUNTRIES, hashlib.sha256(package.content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / ".country.mmdb.new"
    try:
        new.write_bytes(package.content)
        built_at = _checked(new, package.source)
        is_new = not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest
        if is_new:
            os.replace(new, path)
            (folder / "country.json").write_text(
                json.dumps(_statement(package, digest, built_at, now), indent=1) + "\n"
            )
    finally:
        new.unlink(missing_ok=True)
    size = len(package.content)
    return CountryFile(path, is_new, size, digest, built_at, package.source, package.version, package.licence)


def _statement(package: Package, digest: str, built_at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "source": package.source,
        "version": package.version,
        "licence": package.licence,
        "notices": package.notices,
        "sha256": digest,
        "built_at": built_at.isoformat(timespec="seconds"),
        "fetched_at": now.isoformat(timespec="seconds"),
    }


def _checked(file: Path, source: str) -> datetime:
    """When the file was built, if it can be read and knows a country."""
    try:
        with maxminddb.open_database(str(file), maxminddb.MODE_MMAP) as reader:
            records = (record for _, record in islice(reader, _PROBED))
            if not _has_country(records):
                raise FetchError(f"{source} names no country; {_REMEDY}")
            return datetime.fromtimestamp(reader.metadata().build_epoch, timezone.utc)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError):
        raise FetchError(f"{source} is no file in MaxMind's format; {_REMEDY}") from None


def _has_country(records: Iterable[object]) -> bool:
    return any(isinstance(record, dict) and country_of(record) for record in records)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FetchError(f"{file} can't be read: {error.strerror}; {_REMEDY}") from None


def _downloaded(url: str) -> bytes:
    shown, content = url.partition("?")[0], bytearray()
    try:
        with requests.get(url, stream=True, timeout=(10, 60)) as answer:
            answer.raise_for_status()
            for piece in answer.iter_content(1 << 20):
                content += piece
                if len(content) > _MOST_BYTES:
                    raise FetchError(f"{shown} is larger than a country file; {_REMEDY}")
    except requests.RequestException as error:
        status = f"status {error.response.status_code}" if error.response is not None else type(error).__name__
        raise FetchError(f"{shown} can't be fetched: {status}; {_REMEDY}") from None
    return bytes(content)


def _unpacked(content: bytes, place: str) -> bytes:
    """The country file within gzip or a tar."""
    if content[:2] != b"\x1f\x8b":
        return content
    members = _members(content)
    files = [name for name in members if name.endswith(_SUFFIX)]
    if members and len(files) != 1:
        raise FetchError(f"{place} holds {len(files)} files named *{_SUFFIX}, where one is expected; {_REMEDY}")
    return members[files[0]] if files else _gunzipped(content, place)


def _gunzipped(content: bytes, place: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError):
        raise FetchError(f"{place} can't be unpacked; {_REMEDY}") from None
    if len(unpacked) > _MOST_BYTES:
        raise FetchError(f"{place} is larger than a country file; {_REMEDY}")
    return unpacked


def _members(content: bytes) -> dict[str, bytes]:
    """The files of a tar by their bare names; none where it is no tar."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            members = [member for member in tar if member.isfile() and member.size <= _MOST_BYTES]
            return {Path(member.name).name: file.read() for member in members if (file := tar.extractfile(member))}
    except (tarfile.TarError, OSError, EOFError):
        return {}
