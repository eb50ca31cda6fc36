"""The jars that conf/jars.lock names, in .cache/jars, each checked by its SHA-256; a server's jars likewise.

Fetched by the Ivy that pyspark brings, which knows the central repository by itself. Spark's own
way to use it (spark.jars.packages) looks into the machine's Maven cache first and fails on
half-filled entries there, needs the network at every start, and checks no hash of ours.
"""

import hashlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import java
from system import CACHE, ROOT, VENV, SetupError, read_text, replace_text, run, say

LOCK = ROOT / "conf/jars.lock"
FOLDER = CACHE / "jars"
WORK = CACHE / "ivy"

# {poms}: whether to read what a jar needs, which fetching a list that is already whole does without.
SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <timeout-constraints>
    <timeout-constraint name="patient" connectionTimeout="20000" readTimeout="60000"/>
  </timeout-constraints>
  <resolvers>
    <ibiblio name="central" m2compatible="true" usepoms="{poms}" timeoutConstraint="patient"/>
  </resolvers>
</ivysettings>
"""


class Jar(NamedTuple):
    group: str
    artifact: str
    version: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def pinned(lock: Path = LOCK) -> dict[Jar, str]:
    """What a lock names, with the hashes."""
    lines = (line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#"))
    return {Jar(*name.split(":")): sha256 for sha256, name in lines}


def is_ready(lock: Path = LOCK, folder: Path = FOLDER) -> bool:
    is_same = read_text(folder / "stamp") == lock.read_text()
    return is_same and all((folder / jar.file_name).is_file() for jar in pinned(lock))


def prepare(lock: Path = LOCK, folder: Path = FOLDER) -> None:
    """Fetches into the folder what the lock names and it lacks, and deletes other jars."""
    wanted = pinned(lock)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stamp").unlink(missing_ok=True)
    missing = [jar for jar, sha256 in wanted.items() if not is_intact(folder / jar.file_name, sha256)]
    if missing:
        fetch({jar: wanted[jar] for jar in missing}, lock, folder)
    names = {jar.file_name for jar in wanted}
    for stray in (path for path in folder.glob("*.jar") if path.name not in names):
        stray.unlink()
    replace_text(folder / "stamp", lock.read_text())


def is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(wanted: dict[Jar, str], lock: Path, folder: Path) -> None:
    say(f"fetching {len(wanted)} of the pinned jars into {folder.relative_to(ROOT)}, once")
    began = time.monotonic()
    arrived = resolve(wanted, transitive=False)
    try:
        for jar, sha256 in wanted.items():
            check(jar, sha256_of(arrived[jar]), sha256, lock)
            arrived[jar].replace(folder / jar.file_name)
    finally:
        shutil.rmtree(WORK)
    say(f"jars ready ({time.monotonic() - began:.0f} s)")


def check(jar: Jar, fetched: str, sha256: str, lock: Path = LOCK) -> None:
    if fetched != sha256:
        raise SetupError(
            f"{jar.file_name} is not what {lock.relative_to(ROOT)} pins, so it was deleted\n"
            f"    fetched {fetched}\n    pinned  {sha256}\n"
            "    Try again. If it stays so, see who changed the lock, or what answers for the repository."
        )


def resolve(wanted: Iterable[Jar], *, transitive: bool) -> dict[Jar, Path]:
    """Fetches jars with Ivy into a fresh folder, .cache/ivy, with what they need if `transitive`."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    (WORK / "settings.xml").write_text(SETTINGS.format(poms=str(transitive).lower()))
    (WORK / "ivy.xml").write_text(module(wanted, transitive=transitive))
    ivy = next(VENV.glob("lib/python3*/site-packages/pyspark/jars/ivy-*.jar"))
    command: list[str | Path] = [
        java.LINK / "bin/java",
        "-Xmx256m",
        "-Djava.net.useSystemProxies=true",
        "-jar",
        ivy,
    ]
    command += ["-settings", WORK / "settings.xml", "-cache", WORK / "cache", "-ivy", WORK / "ivy.xml"]
    command += ["-retrieve", f"{WORK}/jars/[organisation]/[artifact]/[revision].[ext]"]
    for tries_left in (2, 1, 0):  # a second try goes on with what the first one got
        try:
            run(command, seconds=600)
            break
        except SetupError:
            if not tries_left:
                raise
            time.sleep(3)
    present = {
        Jar(*path.relative_to(WORK / "jars").with_suffix("").parts): path for path in WORK.glob("jars/*/*/*.jar")
    }
    if lacking := [jar.file_name for jar in wanted if jar not in present]:
        raise SetupError(f"not in the central repository: {', '.join(lacking)}")
    return present


def module(wanted: Iterable[Jar], *, transitive: bool) -> str:
    """Ivy's own description of what to fetch."""
    rows = (
        f"<dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)} rev={quoteattr(jar.version)}"
        f' conf="default->default" transitive="{str(transitive).lower()}"/>'
        for jar in wanted
    )
    return (
        '<ivy-module version="2.0"><info organisation="metrics_lake" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(rows)}</dependencies></ivy-module>"
    )
