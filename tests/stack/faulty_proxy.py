"""A proxy on the loopback before a server of HTTP, that refuses, cuts, delays or starves some of the requests."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_OF_A_HOP = ("connection", "transfer-encoding", "keep-alive")


@dataclass
class Fault:
    """What becomes of requests whose method and path fit `of`: `times` of them, after the first `let_pass`.

    `status` 0 lets the server answer; `cut_after` bytes of its answer the connection ends; `seconds_a_byte` is how slowly it goes,
    `seconds` how long nothing comes at all.
    """

    of: str
    times: int = 1
    status: int = 0
    code: str = "ServerBusy"
    retry_after: str = "0"
    cut_after: int | None = None
    seconds_a_byte: float = 0
    seconds: float = 0
    let_pass: int = 0
    met: int = 0


@dataclass
class Proxy:
    """Where it is, what it is to do, and what it was asked."""

    upstream: int
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, request: str) -> Fault | None:
        with self.lock:
            self.asked.append(request)
            for fault in self.faults:
                if fault.met < fault.let_pass + fault.times and re.search(fault.of, request):
                    fault.met += 1
                    if fault.met > fault.let_pass:
                        return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is its own."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.fault(f"{self.command} {self.path.partition('&sig=')[0]}")
        time.sleep(fault.seconds if fault else 0)
        if fault and fault.status:
            refusal = f'<?xml version="1.0"?><Error><Code>{fault.code}</Code><Message>no</Message></Error>'.encode()
            headers = {"x-ms-error-code": fault.code, "Retry-After": fault.retry_after}
            return self._answer(fault.status, headers, b"" if self.command == "HEAD" else refusal, len(refusal))
        server = http.client.HTTPConnection("127.0.0.1", self.proxy.upstream, timeout=30)
        server.request(self.command, self.path, body, dict(self.headers))
        found = server.getresponse()
        content = found.read()
        headers = {
            name: value for name, value in found.getheaders() if name.lower() not in (*_OF_A_HOP, "content-length")
        }
        length = int(found.getheader("Content-Length") or len(content))
        server.close()
        self._answer(found.status, headers, content, length, fault)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _handle

    def _answer(
        self, status: int, headers: dict[str, str], content: bytes, length: int, fault: Fault | None = None
    ) -> None:
        if fault and fault.cut_after == 0:
            self.close_connection = True  # the work is done, and nobody told
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        if fault and fault.cut_after is not None:
            self.wfile.write(content[: fault.cut_after])
            self.close_connection = True
            return
        for at in range(0, len(content), 1 if fault else max(len(content), 1)):
            self.wfile.write(content[at : at + 1] if fault else content)
            time.sleep(fault.seconds_a_byte if fault else 0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that waited long enough hangs up."""


@contextmanager
def before(upstream: int) -> Iterator[Proxy]:
    """A proxy before a port of this machine, for as long as the block runs."""
    proxy = Proxy(upstream)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
