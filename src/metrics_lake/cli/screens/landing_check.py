"""The doctor's check of landing: whether files are there, and whether each that is still to be read can be read."""

from __future__ import annotations

from pathlib import Path

from metrics_lake.cli.screens.lake_checks import Finding
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.landing.azure_landing import AzureLanding
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.jobs.refused_files import refused_files
from metrics_lake.sources.quarantine_reasons import declaration


def landing(settings: Settings) -> Finding:
    """Whether landing has files, and can be read."""
    finding = _blobs(settings.storage.landing) if is_azure(settings.storage.landing) else _folder(settings)
    if not finding.is_right:
        return finding
    try:
        refused = refused_files(settings)
    except (SettingsError, AzureError, CheckpointError, OSError):
        return finding  # another check names it
    if not refused:
        return finding
    path, reason = min(refused.items())
    declared = declaration(reason)
    state = f"{len(refused)} can't be read, such as {path} ({declared.meaning if declared else reason})"
    return Finding("landing", False, state, declared.remedy if declared else "")


def _folder(settings: Settings) -> Finding:
    root = Path(settings.storage.landing)
    if root.is_file():
        return Finding("landing", False, f"{root} is a file", "set storage.landing to a folder")
    if not (root / "haproxy").is_dir():
        return Finding("landing", False, f"no folder {root}/haproxy", f"mkdir -p {root}/haproxy, and put logs there")
    count = sum(1 for path in (root / "haproxy").rglob("*") if path.is_file())
    return Finding(
        "landing", count > 0, f"{count} files below {root}/haproxy", "" if count else "put HAProxy logs there"
    )


def _blobs(place: str) -> Finding:
    try:
        count = sum(1 for _ in AzureLanding(place).files("haproxy"))
    except (SettingsError, AzureError) as error:
        return Finding("landing", False, str(error), "mend it, then run again")
    state = f"{count} blobs below {place}/haproxy"
    return Finding("landing", count > 0, state, "" if count else "upload HAProxy logs there: docs/azure.md")
