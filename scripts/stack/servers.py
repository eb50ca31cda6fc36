"""The local servers of `make stack-up`: how each is started and known to answer. All on 127.0.0.1, none keeps anything."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib import request

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from metrics_lake.config.settings import Settings
from metrics_lake.config.storage_urls import place_of

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".cache" / "stack"
HOST = "127.0.0.1"
_PATHS = f"{BUILT}:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_KAFKA = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{control}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{control}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{control}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


@dataclass(frozen=True)
class Server:
    """One server. `prepare` runs before its start; `answers` raises as long as it doesn't."""

    port: int
    command: list[str]
    answers: Callable[[], None]
    prepare: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)


def servers(settings: Settings, state: Path) -> dict[str, Server]:
    """The servers that the settings give a port. `state` is a folder for what they write while they run."""
    makers = {"azurite": _azurite, "cosmos": _cosmos, "gcs": _gcs, "redis": _redis, "kafka": _kafka}
    return {name: makers[name](port, settings, state) for name, port in settings.stack.items()}


def _program(name: str) -> str:
    return shutil.which(name, path=_PATHS) or name


def _azurite(port: int, settings: Settings, state: Path) -> Server:
    program = BUILT / "azurite" / "node_modules" / ".bin" / "azurite-blob"
    key, storage = (state / "storage.key").read_text(), settings.storage
    places = [place_of(place) for place in (storage.landing, storage.lake, storage.rollups)]
    account = places[0].account

    def answers() -> None:
        service = BlobServiceClient(places[0].account_url, credential={"account_name": account, "account_key": key},
                                    retry_total=0, connection_timeout=2, read_timeout=5)  # fmt: skip
        for place in places:
            with contextlib.suppress(ResourceExistsError):
                service.create_container(place.container)

    quiet = ["--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence", "--silent"]
    command = [str(program), "--blobHost", HOST, "--blobPort", str(port), *quiet]
    return Server(port, command, answers, environment={"AZURITE_ACCOUNTS": f"{account}:{key}"})


def _cosmos(port: int, settings: Settings, state: Path) -> Server:
    script = BUILT / "node" / "node_modules" / "@vercel" / "cosmosdb-server" / "lib" / "cli.js"
    plain = ["--no-ssl"] if settings.documents.endpoint.startswith("http://") else []
    return Server(
        port, [_program("node"), str(script), "--host", HOST, "-p", str(port), *plain], lambda: _connect(port)
    )


def _gcs(port: int, settings: Settings, state: Path) -> Server:
    url, bucket = f"http://{HOST}:{port}", settings.google_play.bucket

    def answers() -> None:
        if f'"{bucket}"' not in _get(f"{url}/storage/v1/b"):
            body = request.Request(
                f"{url}/storage/v1/b", f'{{"name": "{bucket}"}}'.encode(), {"Content-Type": "application/json"}
            )
            request.urlopen(body, timeout=5).close()

    words = ["-scheme", "http", "-host", HOST, "-port", str(port), "-backend", "memory", "-external-url", url]
    return Server(port, [_program("fake-gcs-server"), *words, "-public-host", f"{HOST}:{port}"], answers)


def _redis(port: int, settings: Settings, state: Path) -> Server:
    def answers() -> None:
        with _connect(port) as talk:
            talk.sendall(b"PING\r\n")
            if not talk.recv(16).startswith(b"+PONG"):
                raise ConnectionError("no PONG")

    words = ["--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(state)]
    return Server(port, [_program("redis-server"), *words], answers)


def _kafka(port: int, settings: Settings, state: Path) -> Server:
    """One broker that is its own controller (KRaft), from the jars of scripts/setup/servers/kafka/jars.lock."""
    folder, properties = state / "kafka", state / "kafka.properties"
    java = [str(ROOT / ".cache" / "java" / "bin" / "java"), "-Xmx512m", "-cp", f"{BUILT / 'kafka'}/*"]

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with socket.socket() as probe:  # the controller's own port, which nobody else needs to know
            probe.bind((HOST, 0))
            control = probe.getsockname()[1]
        properties.write_text(_KAFKA.format(host=HOST, port=port, control=control, folder=folder))
        words = [
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            "-t",
            "bWV0cmljcy1sYWtlLTAwMQ",
            "-c",
            str(properties),
        ]
        subprocess.run([*java, *words], check=True, capture_output=True, timeout=120)

    def answers() -> None:
        with _connect(port) as talk:  # which versions it speaks: the first question of every client
            talk.sendall(struct.pack(">ihhih", 10, 18, 0, 7, -1))
            if talk.recv(8)[4:] != struct.pack(">i", 7):
                raise ConnectionError("no answer of Kafka")

    return Server(port, [*java, "kafka.Kafka", str(properties)], answers, prepare)


def _connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=5)


def _get(url: str) -> str:
    with request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
