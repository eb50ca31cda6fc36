"""Checks of the doctor: whether each thing that a run needs is right, and how to repair it if not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from deltalake.exceptions import DeltaError
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from metrics_lake.cli.options import SettingsChoice
from metrics_lake.cli.screens.lake_checks import Finding, checkpoint, lake, reading, rollups, written_ahead
from metrics_lake.config import settings as settings_of
from metrics_lake.config.process_env import java_program
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.landing.azure_landing import AzureLanding
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.jobs import lake_identity
from metrics_lake.jobs.unknown_agents import REMEDY, unknown_agents, warning
from metrics_lake.privacy.redaction import without_addresses
from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.lookups import geo

_FREE_BYTES = 1 << 30
_FIRST_YEAR = 2025


def examine(choice: SettingsChoice, console: Console) -> bool:
    """Prints the result of every check. True if all are right."""
    try:
        settings = choice.load()
    except SettingsError as error:
        findings = [Finding("settings", False, str(error), "mend the file it names")]
    else:
        findings = [Finding("settings", True, f"{settings.conf}, environment {settings.env}")]
        findings += [check(settings) for check in _CHECKS]
    grid = Grid.grid(padding=(0, 2, 0, 0))
    for _ in ("state", "name"):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        mark = "[green]right[/green]" if finding.is_right else "[red]wrong[/red]"
        state, remedy = (escape(without_addresses(text)) for text in (finding.state, finding.remedy))
        grid.add_row(mark, finding.name, state)
        if remedy:
            grid.add_row("", "", f"→ {remedy}")
    console.print(grid)
    return all(finding.is_right for finding in findings)


def _java(settings: Settings) -> Finding:
    program = java_program()
    try:
        version_text = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=20, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return Finding("Java", False, f"{program} can't be started", "make setup, or set JAVA_HOME to a Java 17 or 21")
    version = re.search(r'version "(\d+)', version_text)
    is_right = version is not None and version[1] in ("17", "21")
    return Finding(
        "Java",
        is_right,
        version_text.splitlines()[0],
        "" if is_right else "Spark 4.1 wants Java 17 or 21: set JAVA_HOME",
    )


def _jars(settings: Settings) -> Finding:
    jars = list(Path(settings.spark.jars).glob("*.jar"))
    is_right = any("delta-spark" in jar.name for jar in jars)
    return Finding("jars", is_right, f"{len(jars)} in {settings.spark.jars}", "" if is_right else "make setup")


def _secret(settings: Settings) -> Finding:
    """Makes none: a new secret beside a lake would make every listener a new one."""
    try:
        secret = settings.secret()
    except SettingsError as error:
        if lake_identity.has_data(settings):
            return Finding("secret", False, f"{error}; the lake was made under one", "put it back from a backup")
        if settings.env == "local" and "no secret" in str(error):
            return Finding("secret", True, "none yet: the first run makes one")
        return Finding("secret", False, str(error), "openssl rand -hex 32")
    try:
        lake_identity.check(settings, settings_of.load_tenants(settings), secret)
    except lake_identity.LakeIdentityError as error:
        state, _, remedy = str(error).partition(": ")
        return Finding("secret", False, state, remedy)
    except (SettingsError, AzureError, DeltaError, OSError):
        pass  # each is the finding of another check
    path = Path(settings.privacy.secret_file)
    if path.exists() and path.stat().st_mode & 0o077:
        return Finding("secret", False, f"others may read {path}", f"chmod 600 {path}")
    return Finding("secret", True, "there, and long enough")


def _tenants(settings: Settings) -> Finding:
    try:
        tenants = settings_of.load_tenants(settings).tenants
    except SettingsError as error:
        return Finding("tenants", False, str(error), "mend the file it names")
    streams = sum(len(tenant.streams) for tenant in tenants.values())
    return Finding(
        "tenants", streams > 0, f"{len(tenants)} tenants, {streams} streams", "" if streams else "name a stream"
    )


def _formats(settings: Settings) -> Finding:
    try:
        bound = formats.bound(settings.haproxy)
    except SettingsError as error:
        return Finding("formats", False, str(error).partition("\n")[0], "mend it; formats check shows what it reads")
    return Finding("formats", True, f"{len(bound.patterns)} bound to files, other files are recognised by their lines")


def _places(settings: Settings) -> Finding:
    files = [file for file in (settings.places.country_file, settings.places.network_file) if file]
    try:
        geo.open_files(settings.places.country_file, settings.places.network_file)
    except geo.GeoFileError as error:
        return Finding("places", False, *str(error).split("; ", 1))
    return Finding("places", True, ", ".join(files) or "no files: countries and networks stay unknown")


def _landing(settings: Settings) -> Finding:
    if is_azure(settings.storage.landing):
        return _blobs(settings.storage.landing)
    root = Path(settings.storage.landing)
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


def _storage(settings: Settings) -> Finding:
    places = [place for place in (settings.storage.lake, settings.storage.rollups) if not is_azure(place)]
    for place in places:
        folder = _nearest(Path(place))
        if not os.access(folder, os.W_OK):
            return Finding("storage", False, f"{folder} can't be written", f"chown or chmod {folder}")
        free = shutil.disk_usage(folder).free
        if free < _FREE_BYTES:
            return Finding("storage", False, f"{free >> 20} MiB free at {folder}", "free some disk: a run wants 1 GiB")
    state = f"{' and '.join(places)} can be written" if places else "in Azure: see lake and rollups below"
    return Finding("storage", True, state)


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return path if path.exists() else _nearest(path.resolve().parent)


def _agents(settings: Settings) -> Finding:
    """Never wrong: sessions without a known agent count, but the operator should know that bots can't be recognised there."""
    if not lake(settings).is_right:  # Polars panics over a file that is cut
        return Finding("agents", True, "not checked, because the lake can't be read")
    streams = unknown_agents(settings.storage.lake)
    return Finding("agents", True, warning(streams) or "the log has a place for them", REMEDY if streams else "")


def _documents(settings: Settings) -> Finding:
    try:
        health = open_document_store(settings).health()
    except SettingsError as error:
        state, _, remedy = str(error).partition(": ")
        return Finding("documents", False, state, remedy)
    return Finding("documents", health.is_right, health.state, health.remedy)


def _clock(settings: Settings) -> Finding:
    now = datetime.now(timezone.utc)
    remedy = "set the machine's clock (timedatectl set-ntp true)"
    if now.year < _FIRST_YEAR:
        return Finding("clock", False, now.isoformat(timespec="seconds"), remedy)
    ahead = written_ahead(settings, now)
    if ahead:
        return Finding(
            "clock", False, f"{now.isoformat(timespec='seconds')}, but {ahead} was written after that", remedy
        )
    return Finding("clock", True, now.isoformat(timespec="seconds"))


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _java, _jars, _secret, _tenants, _formats, _places, _landing, _storage, checkpoint, reading, lake, _agents, rollups,
    _documents, _clock,
)  # fmt: skip
