"""A feed whose reading fails with a line in the message, as libraries do; `fail` runs it on Spark and prints the error."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from metrics_lake.bronze import haproxy
from metrics_lake.cli import options
from metrics_lake.cli.output import failures
from metrics_lake.config.settings import rules
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.landing.local_landing import LocalLanding
from metrics_lake.jobs.context import JobContext
from metrics_lake.privacy.redaction import Names, encrypted
from metrics_lake.sources.landed_file import InputFile


def parse(files: Iterable[InputFile], rules: Any, hasher: Any) -> Iterator[Any]:
    for file in files:
        for piece in file.pieces():
            yield int(piece)


FEED = replace(haproxy.FEED, parse=parse, declared_in=__name__)


def fail(arguments: list[str]) -> None:
    """Reads landing under the settings that the command line names."""
    settings = options.SettingsChoice(arguments[1], None, tuple(arguments[3::2])).load()
    work = JobContext.of(settings)
    folder = Path(tempfile.mkdtemp())
    stream = Intake(FEED, folder, Names(settings.secret()).redact_path)
    stream.plan(LocalLanding(settings.storage.landing), encrypted(rules(settings, work.tenants)), 1 << 30)
    try:
        stream.read(work.spark_tables.spark, str(folder / "table"), lambda done, parts: None, is_small=True)
    except Exception as error:
        sys.stdout.write(f"{failures.stack_trace(error)}\n{error}\n")
    else:
        sys.stdout.write("nothing failed\n")
