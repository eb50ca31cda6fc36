"""The real servers that `make stack-test` tests against: installs those that are missing."""

import os
import shutil
import sys

from system import guarded, install

# program: the package it comes in, for each package manager
SERVERS: dict[str, dict[str, tuple[str, ...]]] = {
    "haproxy": {"apt-get": ("haproxy",), "dnf": ("haproxy",), "brew": ("haproxy",)},
}
PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"


def install_missing() -> None:
    for program, packages in SERVERS.items():
        if not shutil.which(program, path=PATHS):
            install(program, packages)


if __name__ == "__main__":
    sys.exit(guarded(install_missing))
