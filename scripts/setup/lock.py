"""Writes requirements.lock and conf/jars.lock anew; for maintainers, as `make lock`.

Versions that are pinned already stay while they fit; `make lock ARGS=--upgrade` takes the newest.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import jars
import java
import packages
import stack
from jars import Jar
from system import CACHE, ROOT, VENV, SetupError, guarded, run, say

ROOTS = (
    Jar("io.delta", "delta-spark_4.1_2.13", "4.4.0"),
    Jar("io.delta", "delta-storage", "4.4.0"),
    Jar("org.apache.hadoop", "hadoop-azure", "3.4.2"),
)
# The servers of `make stack-up` that are jars, each with a lock and a folder of its own.
SERVERS = {stack.KAFKA_LOCK: Jar("org.apache.kafka", "kafka_2.13", "4.1.2")}
# Named by the roots, not by pyspark, and not needed beside it:
NOT_NEEDED = {
    "azure-storage": "the old wasb driver's; abfs does without",
    "azure-keyvault-core": "likewise",
    "jetty-util": "likewise",
    "jetty-util-ajax": "likewise",
    "commons-logging": "pyspark has jcl-over-slf4j, the same classes",
    "jackson-datatype-jdk8": "the Delta kernel carries its own, shaded",
    "javax.annotation-api": "annotations, for compilers",
    "shims": "in pyspark's newer RoaringBitmap",
}
BUILDERS = "setuptools>=77\n"  # for pyspark, which comes as source
PACKAGES_HEADER = """\
# Every Python package of the project and of its tests, by version and hash, for Python 3.11 to 3.13
# on Linux and macOS. Written by `make lock` from pyproject.toml: change that, not this.
"""
JARS_HEADER = """\
# The jars that Spark needs and pyspark does not bring: SHA-256, then group:artifact:version.
# Written by `make lock` from the roots in scripts/setup/lock.py: change those, not this.
"""
SERVER_HEADER = (
    "# {root} and all that it needs. Written by `make lock` from scripts/setup/lock.py: change that, not this.\n"
)
COMPILE = "pip compile pyproject.toml - --extra all --group dev --universal --python-version 3.11 --generate-hashes"
QUIETLY = "--quiet --no-python-downloads --no-header --no-annotate --no-emit-index-url --no-emit-find-links"


def lock_packages(arguments: list[str]) -> None:
    say("resolving the Python packages")
    draft = CACHE / "requirements.new"
    CACHE.mkdir(exist_ok=True)
    if packages.LOCK.exists():
        shutil.copyfile(packages.LOCK, draft)  # uv keeps to the versions it finds there
    command: list[str | Path] = [uv(), *COMPILE.split(), *QUIETLY.split(), "-o", draft, *arguments]
    done = subprocess.run(command, cwd=ROOT, input=BUILDERS, text=True, timeout=900, check=False)
    if done.returncode:
        raise SetupError("uv found no set of packages that fits")
    lines = draft.read_text().splitlines(keepends=True)
    written = "".join(line for line in lines if not line.startswith("#"))
    if "://" in written:
        raise SetupError("an address has got into the lock; it was not written")
    packages.LOCK.write_text(PACKAGES_HEADER + written)


def uv() -> Path:
    """The resolver, which only this command needs: .venv's, the machine's, or one of our own."""
    if program := shutil.which("uv", path=f"{VENV / 'bin'}:{CACHE / 'uv/bin'}") or shutil.which("uv"):
        return Path(program)
    say("fetching uv into .cache/uv")
    run([sys.executable, "-m", "venv", CACHE / "uv"], seconds=300)
    run([CACHE / "uv/bin/python", "-m", "pip", "install", "--quiet", "uv"], seconds=600)
    return CACHE / "uv/bin/uv"


def lock_jars() -> None:
    """All that the roots need, less what pyspark brings in whatever version."""
    say("resolving the jars")
    brought = [path.name for path in VENV.glob("lib/python3*/site-packages/pyspark/jars/*.jar")]
    resolved = jars.resolve(ROOTS, transitive=True)
    needed = {
        jar: path
        for jar, path in resolved.items()
        if jar.artifact not in NOT_NEEDED and not any(is_version_of(name, jar.artifact) for name in brought)
    }
    jars.LOCK.write_text(JARS_HEADER + listed(needed))
    for lock_file, root in SERVERS.items():
        lock_file.parent.mkdir(exist_ok=True)
        lock_file.write_text(SERVER_HEADER.format(root=":".join(root)) + listed(jars.resolve([root], transitive=True)))
    shutil.rmtree(jars.WORK)


def listed(resolved: dict[Jar, Path]) -> str:
    return "".join(f"{jars.sha256_of(path)}  {':'.join(jar)}\n" for jar, path in sorted(resolved.items()))


def is_version_of(file_name: str, artifact: str) -> bool:
    return file_name.startswith(f"{artifact}-") and file_name[len(artifact) + 1].isdigit()


def lock() -> None:
    lock_packages(sys.argv[1:])
    packages.prepare_locked()  # which jars are needed depends on what the pinned pyspark brings
    if not java.is_ready():
        java.prepare()
    lock_jars()


if __name__ == "__main__":
    sys.exit(guarded(lock))
