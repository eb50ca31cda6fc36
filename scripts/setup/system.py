"""What the steps of set-up share: messages, bounded commands, and this machine's package manager."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
LOG = CACHE / "setup.log"
VENV = ROOT / ".venv"

BOUNDS = "-o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=60"
INSTALL = {
    "apt-get": f"apt-get install -y --no-install-recommends {BOUNDS}",
    "dnf": "dnf install -y",
    "brew": "brew install",
}


class SetupError(Exception):
    """One line of cause, then what to do about it."""


def say(message: str) -> None:
    print(f"setup: {message}", flush=True)


def guarded(work: Callable[[], None]) -> int:
    """Runs `work`; an exit code, with a short message in place of a stack trace."""
    # SIGTERM as Ctrl-C, so that a command started here is stopped with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: stopped half-way; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def run(command: Sequence[str | Path], *, seconds: int) -> None:
    """Runs a command quietly within a time; SetupError with its last lines if it fails."""
    CACHE.mkdir(exist_ok=True)
    with LOG.open("w") as log:
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=seconds,
                check=False,
            )
            cause = f"exit code {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            cause = f"not done after {seconds} s"
    if cause:
        tail = "\n".join(f"    {line}" for line in LOG.read_text(errors="replace").splitlines()[-12:])
        shown = " ".join(Path(word).name if "/" in str(word) else str(word) for word in command[:4])
        raise SetupError(f"{shown} …: {cause} (all of it: {LOG.relative_to(ROOT)})\n{tail}")


def replace_text(path: Path, text: str) -> None:
    """Writes a stamp in one step: there whole, or not there."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text)
    draft.replace(path)


def read_text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def package_manager() -> str:
    return next((name for name in INSTALL if shutil.which(name)), "")


def may_install(manager: str) -> list[str] | None:
    """The words to put in front of the package manager; None where this user may not use it."""
    if manager == "brew" or os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=20, check=False)
        return ["sudo", "-n"] if asked.returncode == 0 else None
    return None


def install(what: str, packages: dict[str, tuple[str, ...]]) -> None:
    """Installs the first package that this machine's manager knows, of those named for it.

    Raises SetupError with the one command to type, where we may not or it fails.
    """
    manager = package_manager()
    names = packages.get(manager, ())
    if not names:
        raise SetupError(f"{what} is missing: install it with this system's package manager")
    prefix = may_install(manager)
    if prefix is not None and manager == "apt-get":
        run([*prefix, "apt-get", "update", *BOUNDS.split()], seconds=300)
    name = next((name for name in names if is_known(manager, name)), names[0])
    by_hand = f"{'' if manager == 'brew' else 'sudo '}{manager} install {name}"
    if prefix is None:
        raise SetupError(f"{what} is missing, and this user may not install it. Type:\n    {by_hand}")
    say(f"installing {name} with {manager} ({what})")
    try:
        run([*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *INSTALL[manager].split(), name], seconds=900)
    except SetupError as error:
        raise SetupError(f"{what} could not be installed. By hand:\n    {by_hand}\n{error}") from None


def is_known(manager: str, name: str) -> bool:
    if manager != "apt-get":
        return True
    asked = subprocess.run(["apt-cache", "show", name], capture_output=True, timeout=60, check=False)
    return asked.returncode == 0
