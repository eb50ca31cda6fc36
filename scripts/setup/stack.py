"""The real servers that `make stack-test` tests against: installs those that are missing."""

import os
import shutil
import sys
from pathlib import Path

import jars
from system import CACHE, ROOT, guarded, install, read_text, replace_text, run, say

# program: the package it comes in, for each package manager
SERVERS: dict[str, dict[str, tuple[str, ...]]] = {
    "haproxy": {"apt-get": ("haproxy",), "dnf": ("haproxy",), "brew": ("haproxy",)},
    "redis-server": {"apt-get": ("redis-server",), "dnf": ("redis", "valkey"), "brew": ("redis",)},
    "logrotate": {"apt-get": ("logrotate",), "dnf": ("logrotate",), "brew": ("logrotate",)},
}
# program: the Go module it is built from; Go checks modules by hash
MODULES = {"fake-gcs-server": "github.com/fsouza/fake-gcs-server@v1.52.2"}
GO = {"apt-get": ("golang-go",), "dnf": ("golang",), "brew": ("go",)}
BUILT = CACHE / "stack"
# Servers that are npm packages, each folder pinned with all it needs by the hashes of its package-lock.json.
NPM = {"apt-get": ("npm",), "dnf": ("npm",), "brew": ("node",)}
LOCKS = ROOT / "scripts/setup/servers"
NPM_FOLDERS = {LOCKS: BUILT / "node", LOCKS / "azurite": BUILT / "azurite"}
KAFKA_LOCK, KAFKA = LOCKS / "kafka/jars.lock", BUILT / "kafka"
PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin:/usr/local/go/bin"


def install_missing() -> None:
    for program, names in SERVERS.items():
        if not shutil.which(program, path=PATHS):
            install(program, names)
    for program, module in MODULES.items():
        if not shutil.which(program, path=f"{BUILT}:{PATHS}"):
            build(program, module)
    for locked, folder in NPM_FOLDERS.items():
        install_npm(locked, folder.resolve())  # npm takes a folder behind a link for a package
    if not jars.is_ready(KAFKA_LOCK, KAFKA):
        jars.prepare(KAFKA_LOCK, KAFKA)


def build(program: str, module: str) -> None:
    """Builds a server with Go into .cache/stack."""
    if not shutil.which("go", path=PATHS):
        install("go", GO)
    say(f"building {program} with Go")
    go = shutil.which("go", path=PATHS) or "go"
    run(["env", f"GOBIN={BUILT}", go, "install", module], seconds=900)


def install_npm(locked: Path, folder: Path) -> None:
    """What a package-lock.json names, into a folder; again only when the lock has changed."""
    lock, stamp = (locked / "package-lock.json").read_text(), folder / "stamp"
    if read_text(stamp) == lock:
        return
    if not shutil.which("npm", path=PATHS):
        install("npm", NPM)
    say(f"fetching {locked.name} with npm")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        replace_text(folder / name, (locked / name).read_text())
    run(["npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"], seconds=900)
    replace_text(stamp, lock)


if __name__ == "__main__":
    sys.exit(guarded(install_missing))
