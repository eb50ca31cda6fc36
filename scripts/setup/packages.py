""".venv with exactly what requirements.lock pins, and this project in it, editable."""

import importlib.util
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from system import CACHE, ROOT, VENV, install, read_text, replace_text, run, say

LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
PYTHON = VENV / "bin/python"
LOCK_STAMP = VENV / "stamp-lock"
PROJECT_STAMP = VENV / "stamp-project"
UNFINISHED = VENV / "unfinished"  # there while packages are being put in: pip can't mend what it left half-way
PIP_SECONDS = 2700


def lock_key() -> str:
    """With the folder in it: a .venv that was moved or copied runs the code of the old place."""
    return f"{ROOT}\n{LOCK.read_text()}"


def is_ready() -> bool:
    return (
        PYTHON.exists()
        and not UNFINISHED.exists()
        and read_text(LOCK_STAMP) == lock_key()
        and read_text(PROJECT_STAMP) == PROJECT.read_text()
    )


def prepare() -> None:
    prepare_locked()
    # --no-build-isolation: hatchling is in the lock, nothing unpinned comes in.
    run([*pip(), "--no-deps", "--no-build-isolation", "-e", "."], seconds=300)
    replace_text(PROJECT_STAMP, PROJECT.read_text())


def prepare_locked() -> None:
    if not is_usable():
        make_venv()
    if read_text(LOCK_STAMP) != lock_key():
        install_lock()


def is_usable() -> bool:
    """Whether .venv is whole, belongs to this folder and has a Python that we can use."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    if str(VENV) not in read_text(VENV / "bin/pip")[:300]:
        return False
    version = "import sys; sys.exit(not (3, 11) <= sys.version_info)"
    return subprocess.run([PYTHON, "-c", version], timeout=60, check=False).returncode == 0


def make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is None:  # Debian and Ubuntu keep it in a package of its own
        install("Python's venv module", {"apt-get": (f"python3.{sys.version_info.minor}-venv",)})
    VENV.mkdir()
    UNFINISHED.touch()
    run([sys.executable, "-m", "venv", VENV], seconds=300)


def install_lock() -> None:
    say("fetching the Python packages into .venv, once: about 450 MB, a few minutes")
    began = time.monotonic()
    UNFINISHED.touch()
    LOCK_STAMP.unlink(missing_ok=True)
    # pyspark comes as source only; its builder goes in first, so that it too is the pinned one.
    builder = CACHE / "builder.lock"
    builder.write_text("".join(re.findall(r"^setuptools==.*\n(?:[ \t].*\n)*", LOCK.read_text(), re.MULTILINE)))
    run([*pip(), "--require-hashes", "-r", builder], seconds=300)
    run(
        [*pip(), "--require-hashes", "--no-build-isolation", "--use-pep517", "-r", LOCK],
        seconds=PIP_SECONDS,
    )
    replace_text(LOCK_STAMP, lock_key())
    UNFINISHED.unlink()
    say(f"Python packages ready ({time.monotonic() - began:.0f} s)")


def pip() -> list[str | Path]:
    return [PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
