"""Checks of the doctor: whether each thing that a run needs is right, and how to repair it if not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from shlex import quote

from deltalake.exceptions import DeltaError
from polars.exceptions import PanicException
from rich.console import Console

from metrics_lake.cli.options import SettingsChoice
from metrics_lake.cli.output import failures
from metrics_lake.cli.screens import missing_hours
from metrics_lake.cli.screens.country_note import COUNTRIES_MISSING, COUNTRIES_REMEDY
from metrics_lake.cli.screens.lake_checks import Finding, checkpoint, lake, reading, written_ahead
from metrics_lake.cli.screens.landing_check import landing
from metrics_lake.cli.screens.rollup_checks import documents, rollups
from metrics_lake.cli.screens.write_findings import write_findings
from metrics_lake.config import settings as settings_of
from metrics_lake.config.process_env import java_program
from metrics_lake.config.secrets import unreadable_secret_file
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.jobs import lake_identity
from metrics_lake.jobs.log_findings import CAPTURES_REMEDY, MEDIA_REMEDY, log_findings
from metrics_lake.jobs.unknown_agents import REMEDY, unknown_agents, warning
from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.lookups import geo

Check = Callable[[Settings], Finding | Sequence[Finding]]
_CUT = "a file of the lake is cut"
_FREE_BYTES = 1 << 30
_FIRST_YEAR = 2025


def examine(choice: SettingsChoice, console: Console) -> bool:
    """Prints the result of every check. True if all are right."""
    findings = list(_findings(choice))
    write_findings(findings, choice, console)
    return all(finding.is_right for finding in findings)


def _findings(choice: SettingsChoice) -> Iterator[Finding]:
    try:
        settings = choice.load()
    except SettingsError as error:
        yield Finding("settings", False, str(error), "mend the file it names")
        return
    yield Finding("settings", True, f"{settings.conf}, environment {settings.env}")
    for check in _CHECKS:
        yield from _checked(check, settings, check.__name__.strip("_"))


def _checked(check: Check, settings: Settings, name: str) -> Sequence[Finding]:
    """What a check finds. One that fails at what it looks at is a finding too, so that the others are made."""
    try:
        findings = check(settings)
    except (Exception, PanicException) as error:  # Polars panics over a file that is cut
        state = next(failures.lines(error)).removeprefix("metrics-lake: ") if isinstance(error, Exception) else _CUT
        return [Finding(name, False, f"can't be checked: {state}", "mend what it says")]
    return [findings] if isinstance(findings, Finding) else findings


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
        if file := unreadable_secret_file(settings.privacy.secret_file):
            return Finding(
                "secret", False, f"{file} can't be read by this user", commands=(f"chmod 600 {quote(str(file))}",)
            )
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
        return Finding("secret", False, f"others may read {path}", commands=(f"chmod 600 {quote(str(path))}",))
    return Finding("secret", True, "there, and long enough")


def _tenants(settings: Settings) -> Finding:
    try:
        loaded = settings_of.load_tenants(settings)
    except SettingsError as error:
        return Finding("tenants", False, str(error), "mend the file it names")
    for stream, earlier in loaded.shadowed():
        state = f"{stream} can never match: {earlier} stands before it and takes all its requests"
        return Finding(
            "tenants", False, state, f"put {stream} first; metrics-lake tenants check FILE shows who claims what"
        )
    tenants = loaded.tenants
    streams = sum(len(tenant.streams) for tenant in tenants.values())
    return Finding(
        "tenants", streams > 0, f"{len(tenants)} tenants, {streams} streams", "" if streams else "name a stream"
    )


def _formats(settings: Settings) -> Finding:
    try:
        bound = formats.bound(settings.haproxy)
    except SettingsError as error:
        return Finding("formats", False, str(error).partition("\n")[0], "mend it; formats check shows what it reads")
    forms = [form for _, pattern_forms in bound.patterns for form in pattern_forms]
    notes = "".join(f"; {note}" for form in forms for note in form.notes)
    state = f"{len(bound.patterns)} bound to files, other files are recognised by their lines{notes}"
    return Finding("formats", True, state)


def _places(settings: Settings) -> Finding:
    places = settings.places.in_use
    files = [file for file in (places.country_file, places.network_file) if file]
    try:
        geo.open_files(places.country_file, places.network_file)
    except geo.GeoFileError as error:
        state, _, remedy = str(error).partition("; ")
        return Finding("places", False, state, remedy)
    if not places.country_file:
        return Finding("places", True, f"{COUNTRIES_MISSING}{''.join(f'; {file}' for file in files)}", COUNTRIES_REMEDY)
    return Finding("places", True, ", ".join(files))


def _storage(settings: Settings) -> Finding:
    places = [place for place in (settings.storage.lake, settings.storage.rollups) if not is_azure(place)]
    for place in places:
        folder = _nearest(Path(place))
        if not folder.is_dir():
            return Finding("storage", False, f"{folder} is a file", f"name a folder in the settings instead of {place}")
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


def _tables(settings: Settings) -> list[Finding]:
    """The lake, and what only a lake that is whole can be asked."""
    finding = lake(settings)
    if not finding.is_right:
        return [finding, *(Finding(name, True, "not checked, because the lake can't be read") for name in _OF_TABLES)]
    return [finding, *(finding for name, check in _OF_TABLES.items() for finding in _checked(check, settings, name))]


def _agents(settings: Settings) -> Finding:
    """Never wrong: sessions without a known agent count, but the operator should know that bots can't be recognised there."""
    streams = unknown_agents(settings.storage.lake)
    return Finding("agents", True, warning(streams) or "the log has a place for them", REMEDY if streams else "")


def _logs(settings: Settings) -> Finding:
    """Wrong where figures are: captures that hold other headers, and streams of which nothing counts as media."""
    findings = log_findings(settings.storage.lake)
    if findings.conflicts or findings.without_media:
        faults = (*findings.conflicts, *(stream.text for stream in findings.without_media))
        return Finding("logs", False, "; ".join(faults), CAPTURES_REMEDY if findings.conflicts else MEDIA_REMEDY)
    return Finding("logs", True, "; ".join(findings.shares) or "captures hold what they should, streams have media")


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


_OF_TABLES: dict[str, Check] = {"hours": missing_hours.finding, "agents": _agents, "logs": _logs}
_CHECKS: tuple[Check, ...] = (
    _java, _jars, _secret, _tenants, _formats, _places, landing, _storage, checkpoint, reading, _tables, rollups, documents, _clock,
)  # fmt: skip
