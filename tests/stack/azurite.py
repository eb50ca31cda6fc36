"""Azurite, the emulator of Azure's storage, for the tests that need one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

PROGRAM = Path(__file__).parents[2] / ".cache" / "stack" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT = "teststorage"
POLICY = "taken-back"  # a policy of a container, by which a SAS can be made to open nothing
KEY = "bm90IGEgc2VjcmV0OiB0aGUga2V5IG9mIGEgdGVzdCdzIG93biBlbXVsYXRvcg=="


@dataclass(frozen=True)
class Azurite:
    """A running emulator with an account and a key of its own."""

    port: int

    def url(self, container: str) -> str:
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}/{container}"

    def container(self, name: str) -> ContainerClient:
        """A new container."""
        client = ContainerClient(f"http://127.0.0.1:{self.port}/{ACCOUNT}", name, credential=KEY)
        client.create_container()
        return client


def sas(container: str, rights: str = "rcwdl", hours: float = 1.0) -> str:
    """A shared access signature; with negative hours one that has expired."""
    until = datetime.now(timezone.utc) + timedelta(hours=hours)
    begun = until - timedelta(hours=abs(hours) + 1)
    rights_of = ContainerSasPermissions.from_string(rights)
    return generate_container_sas(ACCOUNT, container, account_key=KEY, permission=rights_of, start=begun, expiry=until)


def sas_by_policy(container: str) -> str:
    """A shared access signature that opens what the container's policy allows for the time being."""
    return generate_container_sas(ACCOUNT, container, account_key=KEY, policy_id=POLICY)


@contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    assert PROGRAM.exists() and shutil.which("node"), "no Azurite: make stack-test installs it"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        PROGRAM,
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    with (folder / "azurite.log").open("wb") as log:
        process = subprocess.Popen([*command, "--inMemoryPersistence", "--silent"], cwd=folder, stdout=log, stderr=log,
                                   env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"})  # fmt: skip
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "azurite.log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Azurite(port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
