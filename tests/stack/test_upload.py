"""HAProxy logs under load, logrotate rotates four times, and all of it arrives in Azurite, each line once.

logrotate runs the shipped configuration. It names a file after the hour of its zone, so four zones make four hours
without waiting. Three of them end under load. During the second rotation the storage can not be reached.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from tests.stack.azurite import KEY, Azurite, sas

pytestmark = pytest.mark.stack

SCRIPTS = Path(__file__).parents[2] / "scripts" / "haproxy"
ZONES = ("UTC", "AAA-1", "BBB-2", "CCC-3")  # each an hour later than the one before
PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"


class _Origin(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", 65536  # one packet an answer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is its own."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(*command: object, errors: Path) -> Iterator[subprocess.Popen[bytes]]:
    with errors.open("ab") as out, subprocess.Popen([str(word) for word in command], stdout=out, stderr=out) as process:
        try:
            yield process
        finally:
            process.terminate()


@dataclass
class Traffic:
    """Clients that ask for numbered paths until they are stopped."""

    port: int
    sent: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, clients: int = 4) -> None:
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self, client: int) -> None:
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            number = 0
            while not self._stop.is_set():
                path, number = f"/acme/live/{client}-{number}.ts", number + 1
                connection.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: live.acme.example\r\nUser-Agent: VLC\r\n\r\n".encode()
                )
                answer = b""
                while b"ok" not in answer.partition(b"\r\n\r\n")[2]:
                    answer += connection.recv(4096)
                self.sent.append(path)
                time.sleep(0.004)


def _configured(folder: Path, port: int, origin: int, daemon: int) -> Path:
    """The shipped configuration of HAProxy, at ports of this test's own."""
    text = (SCRIPTS / "haproxy.cfg").read_text()
    for shipped, own in (("bind :80", f"bind 127.0.0.1:{port}"), ("127.0.0.1:8080", f"127.0.0.1:{origin}"),
                         ("log /dev/log len 8192 local0", f"log 127.0.0.1:{daemon} len 8192 local0")):  # fmt: skip
        assert text.count(shipped) == 1
        text = text.replace(shipped, own)
    (folder / "haproxy.cfg").write_text(text)
    return folder / "haproxy.cfg"


def _rotation(folder: Path, program: Path, daemon: int, environment: dict[str, str]) -> Path:
    """The shipped configuration of logrotate, with this test's places in it."""
    told = "".join(f"export {name}='{value}'\n" for name, value in environment.items())
    (folder / "upload.env").write_text(told)
    text = (SCRIPTS / "haproxy.logrotate").read_text()
    for shipped, own in (
        ("/var/log/haproxy.log", str(folder / "haproxy.log")),
        ("/usr/lib/rsyslog/rsyslog-rotate", f"kill -HUP {daemon}"),
        ("/etc/default/haproxy-upload", str(folder / "upload.env")),
        ("/usr/local/lib/haproxy-upload/upload.py", f"{sys.executable} {program}"),
    ):
        assert shipped in text
        text = text.replace(shipped, own)
    (folder / "logrotate.conf").write_text(text)
    os.chmod(folder / "logrotate.conf", 0o644)
    return folder / "logrotate.conf"


def _rotate(folder: Path, conf: Path, zone: str) -> float:
    """Rotates now; how many seconds that took."""
    began = time.monotonic()
    program = shutil.which("logrotate", path=PATHS)
    assert program, "no logrotate: make stack-test installs it"
    done = subprocess.run([program, "--force", "--state", folder / "logrotate.state", conf], text=True,
                          env={**os.environ, "TZ": zone}, capture_output=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began


def _logs(container: ContainerClient) -> dict[str, bytes]:
    return {blob.name: gzip.decompress(container.download_blob(blob.name).readall()) for blob in container.list_blobs()}


def _wait(until: object, seconds: float = 60.0) -> None:
    for _ in range(int(seconds / 0.1)):
        if until():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise AssertionError("it didn't come about in time")


@pytest.mark.parametrize(("script", "right"), [("upload.py", "sas"), ("upload.py", "key"), ("upload_sdk.py", "sas"),
                                               ("upload_sdk.py", "key")])  # fmt: skip
def test_hours_of_traffic_arrive_whole_and_once(storage: Azurite, tmp_path: Path, script: str, right: str) -> None:
    name = f"logs-{script.removesuffix('.py').replace('_', '-')}-{right}"
    container, daemon_port, port = storage.container(name), _free_port(), _free_port()
    origin = ThreadingHTTPServer(("127.0.0.1", 0), _Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    (tmp_path / "secret").write_text(sas(name) if right == "sas" else KEY)
    environment = {
        "METRICS_LAKE_LANDING_URL": f"{storage.url(name)}/landing", "METRICS_LAKE_SPOOL": f"{tmp_path}/spool",
        f"METRICS_LAKE_STORAGE_{right.upper()}_FILE": f"{tmp_path}/secret", "METRICS_LAKE_PROXY": "edge-01",
        "METRICS_LAKE_QUIET_SECONDS": "0.5", "METRICS_LAKE_PATIENCE_SECONDS": "0",
    }  # fmt: skip
    away = {**environment, "METRICS_LAKE_LANDING_URL": f"http://127.0.0.1:{_free_port()}/teststorage/{name}/landing"}
    haproxy = shutil.which("haproxy", path=PATHS)
    assert haproxy, "no haproxy: make stack-test installs it"
    daemon = Path(__file__).with_name("log_daemon.py")
    conf = _configured(tmp_path, port, origin.server_port, daemon_port)
    spool = tmp_path / "spool"
    logs = _running(sys.executable, daemon, daemon_port, tmp_path / "haproxy.log", errors=tmp_path / "err")
    traffic, took, counts = Traffic(port), [], []
    with logs as receiver:
        _wait((tmp_path / "haproxy.log").exists)
        with _running(haproxy, "-db", "-f", conf, errors=tmp_path / "err"):
            _wait(lambda: _is_open(port))
            traffic.begin()
            try:
                for zone, reach in zip(ZONES, (environment, away, environment, environment), strict=True):
                    time.sleep(1.0)
                    rotation = _rotation(tmp_path, SCRIPTS / script, receiver.pid, reach)
                    if zone == ZONES[-1]:
                        traffic.end()
                        _wait(lambda: _lines(tmp_path) == len(traffic.sent))
                    took.append(_rotate(tmp_path, rotation, zone))
                    counts.append(len(traffic.sent))
                    if reach is away:
                        _wait(lambda: "can not be reached" in str(_state(spool).get("failed")))
            finally:
                traffic.end()
                origin.shutdown()
        _wait(lambda: len(_state(spool)["sent"]) == len(ZONES), 15)
    arrived = _logs(container)
    lines = [line for text in arrived.values() for line in text.decode().splitlines()]
    asked = Counter(line.partition('"GET ')[2].partition(" ")[0] for line in lines)
    assert len(traffic.sent) > 300 and sorted(set(counts)) == counts, "there was no load to rotate under"
    assert asked == Counter(traffic.sent), "a line was lost or doubled"
    assert len(arrived) == len(ZONES) and all(
        path.startswith("landing/haproxy/edge-01/haproxy.log-") for path in arrived
    )
    local = {file.name: file.read_bytes() for file in tmp_path.glob("haproxy.log-*")}
    assert local == {path.rpartition("/")[2].removesuffix(".gz"): text for path, text in arrived.items()}
    assert max(took) < 5, "rotation waited for the net"
    told = json.dumps(_state(spool)) + (tmp_path / "err").read_text()
    assert (tmp_path / "secret").read_text() not in told and "sig=" not in told


def _is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _lines(folder: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in folder.glob("haproxy.log*"))


def _state(spool: Path) -> dict:
    file = spool / "state.json"
    return json.loads(file.read_text()) if file.exists() else {"sent": {}}


@pytest.mark.parametrize("script", ["upload.py", "upload_sdk.py"])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [("expired", "403: the key or SAS is refused, has expired"), ("container", "404: there is no such container"),
     ("key", "403: the key or SAS is refused")],
)  # fmt: skip
def test_a_refusal_is_told_in_one_line_and_the_file_stays(
    storage: Azurite, tmp_path: Path, script: str, wrong: str, told: str
) -> None:
    name = f"refusing-{script.removesuffix('.py').replace('_', '-')}-{wrong}"
    if wrong != "container":
        storage.container(name)
    secrets = {"METRICS_LAKE_STORAGE_SAS": sas(name, hours=-1 if wrong == "expired" else 1)}
    if wrong == "key":
        secrets = {"METRICS_LAKE_STORAGE_KEY": KEY[::-1].lstrip("=") + "=="}
    if wrong == "container":
        secrets = {"METRICS_LAKE_STORAGE_KEY": KEY}
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "haproxy.log-20010115-16").write_text("line\n")
    environment = {**os.environ, **secrets, "METRICS_LAKE_LANDING_URL": storage.url(name),
                   "METRICS_LAKE_SPOOL": str(tmp_path / "spool"), "METRICS_LAKE_QUIET_SECONDS": "0",
                   "METRICS_LAKE_PATIENCE_SECONDS": "0"}  # fmt: skip
    done = subprocess.run([sys.executable, SCRIPTS / script, "send"], env=environment, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == 1 and done.stderr.startswith(f"haproxy.log-20010115-16: the service answers {told}")
    assert done.stderr.count("\n") == 1 and (tmp_path / "spool" / "haproxy.log-20010115-16").exists()
    assert not [secret for secret in secrets.values() if secret in done.stderr + json.dumps(_state(tmp_path / "spool"))]
