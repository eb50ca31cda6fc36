"""The doctor's check of landing: whether files are there, and whether each that is still to be read can be read."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from metrics_lake.cli.screens.lake_checks import Finding
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.landing.azure_landing import AzureLanding
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.jobs.refused_files import refused_files
from metrics_lake.sources.quarantine_reasons import declaration

_LOGS = "haproxy"


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
    logs = root / _LOGS
    if file := _file_in_the_way(logs):
        remedy = f"move it away: {logs} is the folder of logs" if file == logs else "set storage.landing to a folder"
        return Finding("landing", False, f"{file} is a file", remedy)
    if not logs.is_dir():
        return Finding(
            "landing", False, f"no folder {logs}", "make it, and put logs there:", (f"mkdir -p {quote(str(logs))}",)
        )
    count = sum(1 for path in logs.rglob("*") if path.is_file())
    return Finding("landing", count > 0, f"{count} files below {logs}", "" if count else "put HAProxy logs there")


def _file_in_the_way(folder: Path) -> Path | None:
    """The file that stands where this folder, or one above it, should be; None if there is none."""
    nearest = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    return nearest if nearest is not None and not nearest.is_dir() else None


def _blobs(place: str) -> Finding:
    try:
        count = sum(1 for _ in AzureLanding(place).files(_LOGS))
    except (SettingsError, AzureError) as error:
        return Finding("landing", False, str(error), "mend it, then run again")
    state = f"{count} blobs below {place}/{_LOGS}"
    return Finding("landing", count > 0, state, "" if count else "upload HAProxy logs there: docs/azure.md")
