"""A Java that Spark 4.1 runs on, as the link .cache/java: JAVA_HOME, else the PATH, else installed.

Java 17 or 21 with the module jdk.incubator.vector, which some cut-down runtimes lack.
"""

import os
import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

from system import CACHE, SetupError, install, read_text, replace_text, say

LINK = CACHE / "java"
STAMP = CACHE / "java.stamp"
PACKAGES = {
    "apt-get": ("openjdk-17-jre-headless", "openjdk-21-jre-headless"),
    "dnf": ("java-21-openjdk-headless",),
    "brew": ("openjdk@17",),
}
# Where package managers put a Java that they leave off the PATH.
KNOWN_HOMES = (
    "/usr/lib/jvm/*",
    "/opt/homebrew/opt/openjdk@*",
    "/usr/local/opt/openjdk@*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)


def key() -> str:
    """Changes when another JAVA_HOME is set or another java comes first on the PATH."""
    return f"{os.environ.get('JAVA_HOME', '')}\n{os.path.realpath(shutil.which('java') or '')}\n"


def is_ready() -> bool:
    return (LINK / "bin/java").exists() and read_text(STAMP) == key()


def prepare() -> None:
    home = find()
    if home is None:
        install("Java 17 or 21", PACKAGES)
        home = find()
    if home is None:
        raise SetupError("no Java 17 or 21 found even after installing one: set JAVA_HOME to it")
    draft = LINK.with_name("java.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(home)
    draft.replace(LINK)
    replace_text(STAMP, key())


def find() -> Path | None:
    """The home folder of the first Java that serves."""
    named = os.environ.get("JAVA_HOME")
    if named:
        home = probe(Path(named, "bin/java"))
        if home:
            return home
        say(f"JAVA_HOME ({named}) has no Java 17 or 21 that Spark can use, looking further")
    on_path = [Path(java)] if (java := shutil.which("java")) else []
    known = (Path(home, "bin/java") for pattern in KNOWN_HOMES for home in sorted(Path("/").glob(pattern[1:])))
    return next(filter(None, map(probe, chain(on_path, known))), None)


def probe(java: Path) -> Path | None:
    """Asks the runtime itself: version files differ between vendors, and launchers such as jenv stand in."""
    command: list[str | Path] = [
        java,
        "--add-modules",
        "jdk.incubator.vector",
        "-XshowSettings:properties",
        "-version",
    ]
    try:
        said = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    properties = dict(
        re.findall(r"^ +(java\.home|java\.specification\.version) = (.+?)\s*$", said.stderr, re.MULTILINE)
    )
    if said.returncode or properties.get("java.specification.version") not in {"17", "21"}:
        return None
    return Path(properties["java.home"])
