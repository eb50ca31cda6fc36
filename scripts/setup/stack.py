"""The real servers that `make stack-test` tests against: installs those that are missing."""

import os
import shutil
import sys

from system import CACHE, ROOT, guarded, install, read_text, replace_text, run, say

# program: the package it comes in, for each package manager
SERVERS: dict[str, dict[str, tuple[str, ...]]] = {
    "haproxy": {"apt-get": ("haproxy",), "dnf": ("haproxy",), "brew": ("haproxy",)},
}
# program: the Go module it is built from; Go checks modules by hash
MODULES = {"fake-gcs-server": "github.com/fsouza/fake-gcs-server@v1.52.2"}
GO = {"apt-get": ("golang-go",), "dnf": ("golang",), "brew": ("go",)}
BUILT = CACHE / "stack"
# Servers that are npm packages: pinned, with all they need, by the hashes of package-lock.json.
NODE = {"apt-get": ("npm",), "dnf": ("npm",), "brew": ("node",)}
NODE_LOCKS = ROOT / "scripts/setup/servers"
NODE_FOLDER = (CACHE / "stack/node").resolve()  # npm takes a folder behind a link for a package
PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin:/usr/local/go/bin"


def install_missing() -> None:
    for program, packages in SERVERS.items():
        if not shutil.which(program, path=PATHS):
            install(program, packages)
    for program, module in MODULES.items():
        if not shutil.which(program, path=f"{BUILT}:{PATHS}"):
            build(program, module)
    install_node_servers()


def build(program: str, module: str) -> None:
    """Builds a server with Go into .cache/stack."""
    if not shutil.which("go", path=PATHS):
        install("go", GO)
    say(f"building {program} with Go")
    go = shutil.which("go", path=PATHS) or "go"
    run(["env", f"GOBIN={BUILT}", go, "install", module], seconds=900)


def install_node_servers() -> None:
    """Those of scripts/setup/servers, into .cache; again only when the lock has changed."""
    lock, stamp = (NODE_LOCKS / "package-lock.json").read_text(), NODE_FOLDER / "stamp"
    if read_text(stamp) == lock:
        return
    if not shutil.which("npm"):
        install("npm", NODE)
    say("fetching the servers that are npm packages")
    NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        replace_text(NODE_FOLDER / name, (NODE_LOCKS / name).read_text())
    run(["npm", "ci", "--prefix", NODE_FOLDER, "--no-audit", "--no-fund", "--ignore-scripts"], seconds=900)
    replace_text(stamp, lock)


if __name__ == "__main__":
    sys.exit(guarded(install_missing))
