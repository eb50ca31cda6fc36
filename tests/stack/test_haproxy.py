"""A real HAProxy logs in each format; what is read back is what was sent.

It runs in a zone of its own (TZ), logs to its standard output and by UDP with each syslog header at once, and is
stopped by its process id.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy import clock, log_lines
from metrics_lake.sources.haproxy.formats import checking
from metrics_lake.sources.haproxy.formats.parsing import parse_lines

pytestmark = pytest.mark.stack

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
ZONE, HASH_KEY = "Asia/Kathmandu", base64.b64encode(bytes(range(32))).decode()
AGENT = 'Player "7" \\ {x|y} = é #23; (a, b)'
REFERER = "https://player.example/?q=1&r='2'"
BODY = b"x" * 1234
KEY_VALUE = (
    "ts=%Ts.%ms tr=%tr trl=%trl pid=%pid id=%{+Q}ID rt=%rt ci=%ci cp=%cp fe=%ft be=%b srv=%s TR=%TR Tw=%Tw Tc=%Tc Tr=%Tr"
    " Td=%Td Ta=%Ta Tt=%Tt st=%ST up=%U down=%B term=%tsc conn=%ac/%fc/%bc/%sc/%rc queue=%sq/%bq m=%HM p=%{+Q}HP q=%{+Q}HQ"
    " v=%HV host=%{+Q}[capture.req.hdr(0)] ref=%{+Q}[capture.req.hdr(1)] ua=%{+Q}[capture.req.hdr(2)]"
)
JSON = (
    '{"ts":%Ts,"ms":%ms,"tr":"%tr","req_date":"%trg","pid":%pid,"ci":"%ci","cp":%cp,"fe":"%ft","Ta":%Ta,"status":%ST,"down":%B,'
    '"method":"%HM","uri":"%[capture.req.uri,json(utf8s)]","host":"%[capture.req.hdr(0),json(utf8s)]",'
    '"referer":"%[capture.req.hdr(1),json(utf8s)]","ua":"%[capture.req.hdr(2),json(utf8s)]"}'
)
HEX = "%{+X}o X ci=%ci cp=%cp ts=%Ts tr=%tr Ta=%Ta st=%ST down=%B fe=%ft r=%{+Q}r ua=%{+Q,+E}[capture.req.hdr(2)]"
HTTP = {  # frontend: how it logs
    "fe_httplog": "option httplog",
    "fe_clf": "option httplog clf",
    "fe_pairs": f'log-format "{KEY_VALUE}"',
    "fe_json": f"log-format '{JSON}'",
    "fe_hex": f'log-format "{HEX}"',
}
OWN_FORMATS = {"*": (KEY_VALUE, JSON, HEX)}


def _snippets() -> dict[str, str]:
    """The frontends of the documentation: what they log, by what tells them apart."""
    blocks = re.findall(r"```haproxy\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    logs = ["\n".join(re.findall(r"^ *((?:error-)?log-format .*)$", block, re.M)) for block in blocks]
    found = {
        "fe_edge": next(log for log in logs if "hmac" in log),
        "fe_advised": next(log for log in logs if "%pid" in log),
    }
    assert all(found.values())
    return found


class _Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = 404 if self.path.startswith("/missing") else 200
        if "/slow" in self.path:
            time.sleep(0.25)
        self.send_response(status)
        self.send_header("Content-Type", "audio/mpeg")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(BODY)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is its own."""


@dataclass
class Sent:
    """A request as the client knows it."""

    frontend: str
    path: str
    method: str
    agent: str
    begun: datetime
    done: datetime
    status: int
    size: int


@dataclass
class Proxy:
    """A running HAProxy: where its frontends listen, and what it has logged, by where to."""

    ports: dict[str, int]
    process: subprocess.Popen[bytes]
    stdout: Path
    received: dict[str, list[str]]

    def logged(self) -> dict[str, list[str]]:
        text = self.stdout.read_text(encoding="utf-8", errors="replace")
        return {"raw": [line for line in text.splitlines() if not line.startswith("[")], **self.received}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "listen.t1.example")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "site.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


def _receiver(into: list[str]) -> socket.socket:
    """A syslog server of one socket, which keeps what it receives until it is closed."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind(("127.0.0.1", 0))

    def receive() -> None:
        with suppress(OSError):
            while True:
                into.append(server.recv(65536).decode("utf-8", errors="replace").rstrip("\n\0"))

    threading.Thread(target=receive, daemon=True).start()
    return server


def _configuration(folder: Path, ports: dict[str, int], backend: int, syslog: dict[str, int]) -> str:
    capture = "".join(f" capture request header {name} len 256\n" for name in ("Host", "Referer", "User-Agent"))
    logs = "".join(f" log 127.0.0.1:{port} len 8192 format {name} local0\n" for name, port in syslog.items())
    text = f"global\n log stdout len 8192 format raw local0\n{logs}defaults\n mode http\n log global\n option dontlognull\n"
    text += " timeout connect 2s\n timeout client 5s\n timeout server 5s\n unique-id-format %{+X}o%ci:%cp_%Ts_%rt\n"
    for frontend, how in {**HTTP, **_snippets()}.items():
        text += f"frontend {frontend}\n bind 127.0.0.1:{ports[frontend]}\n{capture}"
        text += "".join(f" {line}\n" for line in how.splitlines()) + " default_backend be\n"
    text += f"frontend fe_httpslog\n bind 127.0.0.1:{ports['fe_httpslog']} ssl crt {folder / 'site.pem'}\n{capture}"
    text += (
        f" option httpslog\n default_backend be\nfrontend fe_unix\n bind unix@{folder / 'h.sock'}\n option httplog\n"
    )
    text += " default_backend be\nfrontend fe_edge_tls\n bind 127.0.0.1:" + str(ports["fe_edge_tls"])
    text += f" ssl crt {folder / 'site.pem'}\n" + "".join(f" {line}\n" for line in _snippets()["fe_edge"].splitlines())
    text += f" default_backend be\nfrontend fe_tcp\n mode tcp\n bind 127.0.0.1:{ports['fe_tcp']}\n option tcplog\n"
    text += f" default_backend be_tcp\nbackend be\n server s1 127.0.0.1:{backend}\n"
    return text + f"backend be_tcp\n mode tcp\n server s1 127.0.0.1:{backend}\n"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    assert program, "no haproxy: make stack-test installs it"
    folder = tmp_path_factory.mktemp("haproxy")
    backend = ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    received: dict[str, list[str]] = {name: [] for name in ("local", "rfc3164", "rfc5424")}
    sockets = {name: _receiver(into) for name, into in received.items()}
    frontends = [*HTTP, *_snippets(), "fe_httpslog", "fe_edge_tls", "fe_tcp"]
    ports = {frontend: _free_port() for frontend in frontends}
    _certificate(folder)
    syslog = {name: each.getsockname()[1] for name, each in sockets.items()}
    (folder / "haproxy.cfg").write_text(_configuration(folder, ports, backend.server_port, syslog))
    with (folder / "out.log").open("wb") as out, (folder / "err.log").open("wb") as err:
        process = subprocess.Popen(
            [program, "-db", "-f", str(folder / "haproxy.cfg")], stdout=out, stderr=err,
            env={**os.environ, "TZ": ZONE, "LOG_HASH_KEY": HASH_KEY},
        )  # fmt: skip
    try:
        _wait_until_open(process, ports["fe_httplog"], folder / "err.log")
        yield Proxy(ports, process, folder / "out.log", received)
    finally:
        process.terminate()
        process.wait(10)
        backend.shutdown()
        for each in sockets.values():
            each.close()


def _wait_until_open(process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
    for _ in range(100):
        assert process.poll() is None, errors.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"HAProxy doesn't listen: {errors.read_text()}")


def _ask(connection: socket.socket, frontend: str, method: str, path: str, agent: str) -> Sent:
    head = f"{method} {path} HTTP/1.1\r\nHost: Listen.T1.example:8443\r\nReferer: {REFERER}\r\nConnection: close\r\n"
    head += f"User-Agent: {agent}\r\n\r\n" if agent else "\r\n"
    begun = datetime.now(timezone.utc)
    connection.settimeout(10)
    connection.sendall(head.encode())
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    done = datetime.now(timezone.utc)
    return Sent(frontend, path, method, agent, begun, done, int(answer.split()[1]), len(answer))


REQUESTS = (
    ("GET", "/t1/live/a.ts?listenerId=abc&x=%20y", AGENT),
    ("GET", "/t1/live/slow.mp3", "VLC/3.0.20 LibVLC/3.0.20"),
    ("HEAD", "/t1/live/list.m3u8", AGENT),
    ("GET", "/missing", ""),
)


@pytest.fixture(scope="module")
def sent(proxy: Proxy) -> list[Sent]:
    """Every request to every frontend, and connections that never become one."""
    done: list[Sent] = []
    for frontend, port in proxy.ports.items():
        for method, path, agent in REQUESTS:
            with socket.create_connection(("127.0.0.1", port)) as plain:
                if frontend in ("fe_httpslog", "fe_edge_tls"):
                    context = ssl.create_default_context()
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                    with context.wrap_socket(plain, server_hostname="listen.t1.example") as secure:
                        done.append(_ask(secure, frontend, method, path, agent))
                else:
                    done.append(_ask(plain, frontend, method, path, agent))
    with socket.socket(socket.AF_UNIX) as local:
        local.connect(str(proxy.stdout.parent / "h.sock"))
        done.append(_ask(local, "fe_unix", *REQUESTS[0]))
    for frontend in ("fe_httpslog", "fe_edge_tls"):
        with socket.create_connection(("127.0.0.1", proxy.ports[frontend])) as broken:
            broken.sendall(b"this is no TLS\r\n\r\n")
            broken.recv(1)
    _wait_for_lines(proxy, len(done) + 2)
    return done


def _wait_for_lines(proxy: Proxy, wanted: int) -> None:
    for _ in range(100):
        if all(len(texts) >= wanted for texts in proxy.logged().values()):
            return
        time.sleep(0.05)
    counts = {name: len(texts) for name, texts in proxy.logged().items()}
    raise AssertionError(f"not every line arrived: {counts}, wanted {wanted}")


def _read(texts: list[str], haproxy: Haproxy) -> tuple[pl.DataFrame, pl.DataFrame]:
    numbered = log_lines.number_lines({0: "\n".join(texts)}, {0: 1})
    read, unread = parse_lines(numbered, haproxy, {0: "haproxy/edge-01/haproxy.log"})
    return clock.to_utc(read, haproxy.timezone).sort("line_number"), unread


def _settings(**more: Any) -> Haproxy:
    return Haproxy.model_validate({"timezone": ZONE, "formats": OWN_FORMATS, **more})


@pytest.mark.parametrize("dress", ["raw", "local", "rfc3164", "rfc5424"])
def test_what_is_read_back_is_what_was_sent(proxy: Proxy, sent: list[Sent], dress: str) -> None:
    read, unread = _read(proxy.logged()[dress], _settings())
    for frontend in [*HTTP, "fe_advised", "fe_httpslog", "fe_unix"]:
        rows = read.filter(pl.col("frontend") == frontend).rows(named=True)
        mine = [each for each in sent if each.frontend == frontend]
        assert len(rows) == len(mine), frontend
        in_pairs = zip(  # two threads of HAProxy log by two sockets, so neighbours may change places on their way
            sorted(rows, key=lambda row: (row["method"], row["uri"].partition("?")[0])),
            sorted(mine, key=lambda each: (each.method, each.path.partition("?")[0])),
            strict=True,
        )
        for row, each in in_pairs:
            _same(row, each)
    texts = unread["text"].to_list()
    assert all("SSL handshake failure" in text or "fe_edge_tls" in text or "started" in text for text in texts), texts


def _same(row: dict[str, Any], each: Sent) -> None:
    assert (row["method"], row["uri"].partition("?")[0]) == (each.method, each.path.partition("?")[0]), each
    assert row["status"] == each.status
    assert each.size - 30 <= row["size"] <= each.size, each  # HAProxy writes `connection: close`, and doesn't count it
    assert row["address"] == ("unix" if each.frontend == "fe_unix" else "127.0.0.1")
    if each.frontend not in ("fe_unix", "fe_hex"):
        assert row["host"] == "Listen.T1.example:8443"
        assert _plain(row["referer"]) == REFERER
    if each.frontend != "fe_unix":
        assert _plain(row["user_agent"] or "") in ((each.agent,) if each.agent else ("", "-"))
    if each.frontend == "fe_httpslog":
        assert row["sni"] == "listen.t1.example"
    # CLF has whole seconds; HAProxy's clock ticks once a loop
    slack = timedelta(seconds=1) if each.frontend == "fe_clf" else timedelta(milliseconds=30)
    at = datetime.fromtimestamp(row["accepted_ms"] / 1000, timezone.utc)
    assert each.begun - slack <= at <= each.done + slack, each
    took = (each.done - each.begun) / timedelta(milliseconds=1)
    assert (240 if "slow" in each.path else 0) <= row["duration_ms"] <= took + 5


def _plain(text: str) -> str:
    """A captured text with HAProxy's `#XX` undone."""
    raw = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode("utf-8")


def test_connections_are_read_in_tcp_mode(proxy: Proxy, sent: list[Sent]) -> None:
    read, _ = _read(proxy.logged()["raw"], _settings())
    rows = read.filter(pl.col("frontend") == "fe_tcp").rows(named=True)
    mine = [each for each in sent if each.frontend == "fe_tcp"]
    assert [(row["is_tcp"], row["method"], row["status"], row["size"]) for row in rows] == [
        (True, None, None, each.size) for each in mine
    ]
    assert rows[1]["duration_ms"] >= 240


def test_the_documented_snippet_hashes_every_address(proxy: Proxy, sent: list[Sent]) -> None:
    texts = [text for text in proxy.logged()["raw"] if "fe_edge" in text]
    assert not [text for text in texts if "127.0.0.1" in text]
    read, unread = _read(texts, _settings(address_mode="hashed"))
    token = hmac.digest(base64.b64decode(HASH_KEY), socket.inet_aton("127.0.0.1"), "sha256").hex().upper()
    assert read["address"].unique().to_list() == [token]
    assert read.height == 2 * len(REQUESTS)
    assert unread.height == 1  # the handshake that failed
    assert checking.detect(unread["text"].to_list())[0].name == "notices"


def test_the_formats_are_named_from_what_was_logged(proxy: Proxy, sent: list[Sent]) -> None:
    by_frontend = {
        name: [text for text in proxy.logged()["rfc5424"] if re.search(rf"\b{name}\b", text)]
        for name in ("fe_httplog", "fe_clf", "fe_tcp", "fe_httpslog", "fe_pairs", "fe_json")
    }
    assert {name: checking.detect(texts)[0].name for name, texts in by_frontend.items()} == {
        "fe_httplog": "httplog", "fe_clf": "httplog clf", "fe_tcp": "tcplog", "fe_httpslog": "httpslog",
        "fe_pairs": "key=value of a log-format", "fe_json": "JSON of a log-format",
    }  # fmt: skip


def test_a_check_reads_every_line_of_a_format_of_ones_own(proxy: Proxy, sent: list[Sent]) -> None:
    for frontend, string in (("fe_pairs", KEY_VALUE), ("fe_json", JSON), ("fe_hex", HEX)):
        texts = [text for text in proxy.logged()["local"] if re.search(rf"\b{frontend}\b", text)]
        found = checking.check(HTTP[frontend], texts)
        assert (found.read_count, found.unread_count) == (len(REQUESTS), 0), frontend
        assert checking.check(string, texts).records == found.records
        assert "127.0.0.1" not in str(found)
