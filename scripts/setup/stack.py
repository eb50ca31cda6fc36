"""The real servers that `make stack-test` tests against: installs those that are missing."""

import os
import shutil
import sys

from system import CACHE, guarded, install, run, say

# program: the package it comes in, for each package manager
SERVERS: dict[str, dict[str, tuple[str, ...]]] = {
    "haproxy": {"apt-get": ("haproxy",), "dnf": ("haproxy",), "brew": ("haproxy",)},
}
# program: the Go module it is built from; Go checks modules by hash
MODULES = {"fake-gcs-server": "github.com/fsouza/fake-gcs-server@v1.52.2"}
GO = {"apt-get": ("golang-go",), "dnf": ("golang",), "brew": ("go",)}
BUILT = CACHE / "stack"
PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin:/usr/local/go/bin"


def install_missing() -> None:
    for program, packages in SERVERS.items():
        if not shutil.which(program, path=PATHS):
            install(program, packages)
    for program, module in MODULES.items():
        if not shutil.which(program, path=f"{BUILT}:{PATHS}"):
            build(program, module)


def build(program: str, module: str) -> None:
    """Builds a server with Go into .cache/stack."""
    if not shutil.which("go", path=PATHS):
        install("go", GO)
    say(f"building {program} with Go")
    go = shutil.which("go", path=PATHS) or "go"
    run(["env", f"GOBIN={BUILT}", go, "install", module], seconds=900)


if __name__ == "__main__":
    sys.exit(guarded(install_missing))
