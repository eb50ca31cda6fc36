"""`audit privacy`: searches everything that was written, to prove that no address and no key is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from rich.console import Console

from metrics_lake import audit
from metrics_lake.audit import landed_addresses
from metrics_lake.audit.report import Finding, Report
from metrics_lake.cli.output.consoles import write_line
from metrics_lake.cli.output.layout import Column, from_rows, table
from metrics_lake.config.settings import Settings, load_tenants
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.io.storage.files import write_whole
from metrics_lake.jobs import lake_identity
from metrics_lake.privacy import salts
from metrics_lake.privacy.redaction import without_addresses

_EPOCHS_BACK = timedelta(days=400)


def search(settings: Settings, addresses_file: str | None, more: list[str]) -> Report:
    """Searches lake, rollups, documents and `more` for keys and addresses. The addresses come from a file, else from landing."""
    unread: list[tuple[str, str]] = []
    if addresses_file:
        with Path(addresses_file).open(encoding="utf-8", errors="replace") as lines:
            addresses: set[str] = set(landed_addresses.read_list(lines))
    elif is_azure(settings.storage.landing):
        addresses = landed_addresses.addresses_of(_landed(settings.storage.landing, unread))
    else:
        addresses = landed_addresses.addresses(Path(settings.storage.landing, "haproxy"), unread)
    now, rotation = datetime.now(timezone.utc), settings.privacy.key_rotation
    epochs = audit.epochs_between(now - _EPOCHS_BACK, now, rotation)
    known_salts = salts.read(settings.privacy.keys_file)
    keys = audit.key_terms(_secret(settings), list(load_tenants(settings).tenants), epochs, known_salts)
    own = (settings.privacy.secret_file, settings.privacy.keys_file, settings.storage.landing)
    with written(settings) as places:
        roots = [place for place in (*places, *map(Path, more)) if place.exists()]
        report = audit.search(roots, audit.search_terms(addresses, keys), without=[Path(place) for place in own])
    return replace(report, unread=[*unread, *report.unread])


def _secret(settings: Settings) -> bytes:
    """The secret that the lake was made under: a search for the keys of another one would find nothing, and prove nothing."""
    secret = settings.secret()
    lake_identity.check(settings, load_tenants(settings), secret)
    return secret


def _landed(place: str, unread: list[tuple[str, str]]) -> Iterator[tuple[str, BinaryIO]]:
    """Each log of Azure's landing, in memory: a copy on this disk would itself be a place with addresses.

    Blobs that are refused, such as archived ones, are added to `unread`; AzureError if all are.
    """
    blobs, is_any_read, refusal = blobs_in(place), False, None
    for path in blobs.sizes("haproxy"):
        try:
            content = blobs.read(path) or b""
        except AzureError as error:
            refusal = error
            unread.append((without_addresses(path), str(error)))
            continue
        is_any_read = True
        yield path, BytesIO(content)
    if refusal and not is_any_read:
        raise refusal


@contextmanager
def written(settings: Settings) -> Iterator[list[Path]]:
    """The places of lake, rollups and documents on this machine while the block runs."""
    documents = Path(settings.documents.path)
    with ExitStack() as copies:
        folders = [
            copies.enter_context(_local_copy(place)) for place in (settings.storage.lake, settings.storage.rollups)
        ]
        yield [*map(Path, folders), *documents.parent.glob(f"{documents.name}*")]


@contextmanager
def _local_copy(place: str) -> Iterator[str]:
    """The folder of a place; if the place is in Azure, a copy of it while the block runs."""
    if not is_azure(place):
        yield place
        return
    blobs = blobs_in(place)
    with TemporaryDirectory() as folder:
        for path in blobs.sizes(""):
            write_whole(Path(folder, path), blobs.read(path) or b"")
        yield folder


def write_report(report: Report, console: Console) -> None:
    """Prints what was searched and each finding: file, place, form, and a mark instead of the address."""
    console.print(
        f"{report.file_count:,} files, {report.byte_count:,} bytes ({report.unpacked_byte_count:,} unpacked) searched for "
        f"{report.address_count:,} addresses and {report.key_count:,} keys in {report.seconds:.1f} s"
    )
    for title, findings in (
        ("found", report.findings),
        ("may be chance: numbers that could be addresses", report.doubtful),
    ):
        if findings:
            console.print(table(_columns(findings), console.width, title))
    for file, why in report.unread:
        write_line(console, f"not read: {file}: {why}")
    if report.is_clean:
        console.print("no address and no key was found", style="green")
    else:
        console.print("not clean", style="red")


def _columns(findings: list[Finding]) -> list[Column]:
    rows = [(finding.file, finding.place, finding.form, finding.mark) for finding in findings]
    return from_rows(("file", "place", "form", "mark"), rows)
