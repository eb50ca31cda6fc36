"""A small server that speaks as much of Cosmos DB's protocol as the client here needs, and fails as it is told to.

It knows no SQL: what a query's parameters mean is known to it. The emulator (tests/stack) is asked in real SQL.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DATABASE = r"/dbs/(?P<database>[^/]+)"
_CONTAINER = rf"{_DATABASE}/colls/(?P<container>[^/]+)"
_KINDS = {
    "GET account": r"",
    "GET database": _DATABASE,
    "POST database": r"/dbs",
    "GET container": _CONTAINER,
    "POST container": rf"{_DATABASE}/colls",
    "GET ranges": rf"{_CONTAINER}/pkranges",
    "POST document": rf"{_CONTAINER}/docs",
    "PUT document": rf"{_CONTAINER}/docs/(?P<id>[^/]+)",
    "DELETE document": rf"{_CONTAINER}/docs/(?P<id>[^/]+)",
}


@dataclass
class Fault:
    """What happens in place of an answer, or after the work is done but before it is told (`is_late`)."""

    status: int = 0  # 0 cuts the connection
    headers: dict[str, str] = field(default_factory=dict)
    is_late: bool = False
    seconds: float = 0


@dataclass
class Account:
    """What the server holds, what it was asked, and how it will fail: for each kind of call the faults of its next ones."""

    containers: dict[str, dict] = field(default_factory=dict)
    documents: dict[str, dict[tuple[str, str], dict]] = field(default_factory=lambda: defaultdict(dict))
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    calls: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    etags: int = 0
    address: str = ""
    is_a_web_page: bool = False
    seconds_a_call: float = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def of(self, kind: str) -> int:
        return self.calls.count(kind)


@contextmanager
def serving() -> Iterator[Account]:
    account = Account()
    handler = type("Handler", (_Handler,), {"account": account})
    server = _Server(("127.0.0.1", 0), handler)
    account.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that waited long enough hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet: two wait 40 ms for each other
    account: Account

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is its own."""

    def _handle(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        kind, names = self._kind()
        account = self.account
        with account.lock:
            account.calls.append(kind)
            account.at_once += 1
            account.most_at_once = max(account.most_at_once, account.at_once)
            fault = account.faults[kind].pop(0) if account.faults[kind] else None
        try:
            time.sleep(account.seconds_a_call)
            if fault is None or fault.is_late:
                with account.lock:
                    status, answer = self._done(kind, names, body)
                if fault is None:
                    return self._answer(status, answer, {})
            time.sleep(fault.seconds)
            if fault.status == 0:
                self.close_connection = True
                return None
            return self._answer(fault.status, {"code": "Fault", "message": "from 192.0.2.7"}, fault.headers)
        finally:
            with account.lock:
                account.at_once -= 1

    def _kind(self) -> tuple[str, dict[str, str]]:
        path = urllib.parse.urlsplit(self.path).path.rstrip("/")
        if self.headers.get("x-ms-documentdb-isquery", "").lower() == "true":
            return "query", {"container": path.split("/")[4]}
        for kind, pattern in _KINDS.items():
            found = re.fullmatch(pattern, path)
            if found and kind.startswith(f"{self.command} "):
                return kind, {name: urllib.parse.unquote(text) for name, text in found.groupdict().items()}
        raise AssertionError(f"the double doesn't know {self.command} {path}")

    def _answer(self, status: int, answer: object, headers: dict[str, str]) -> None:
        content = b"" if status == 204 else json.dumps(answer).encode()
        content = b"<html>hello</html>" if self.account.is_a_web_page else content
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _done(self, kind: str, names: dict[str, str], body: dict) -> tuple[int, object]:
        account = self.account
        if kind == "GET account":
            region = [{"name": "here", "databaseAccountEndpoint": f"{account.address}/"}]
            return 200, {"id": "double", "readableLocations": region, "writableLocations": region,
                         "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"}}  # fmt: skip
        if kind == "GET ranges":
            return 200, {"PartitionKeyRanges": [{"id": "0", "minInclusive": "", "maxExclusive": "FF", "_rid": "r"}]}
        if kind in ("POST database", "POST container"):
            place = names.get("database", "") + "/" + body["id"] if names else body["id"]
            account.containers[place] = {**body, "_rid": place, "_self": place}
            return 201, account.containers[place]
        if kind in ("GET database", "GET container"):
            place = "/".join(names.values())
            return (200, account.containers[place]) if place in account.containers else (404, {"code": "NotFound"})
        return self._documents(kind, names, body)

    def _documents(self, kind: str, names: dict[str, str], body: dict) -> tuple[int, object]:
        account, container = self.account, names["container"]
        if not any(place.endswith(f"/{container}") for place in account.containers):
            return 404, {"code": "NotFound", "message": "Owner resource does not exist"}
        held = account.documents[container]
        [tenant] = json.loads(self.headers["x-ms-documentdb-partitionkey"])
        if kind == "query":
            given = {each["name"]: each["value"] for each in body["parameters"]}
            found = [each for (of, id_), each in held.items() if of == tenant and _fits(id_, given)]
            return 200, {"_rid": "r", "Documents": found, "_count": len(found)}
        key = (tenant, names.get("id") or body["id"])
        stands = held.get(key)
        if kind == "POST document" and stands:
            return 409, {"code": "Conflict"}
        if kind != "POST document" and not stands:
            return 404, {"code": "NotFound"}
        if kind == "DELETE document":
            del held[key]
            return 204, None
        if stands and self.headers.get("If-Match") not in (None, stands["_etag"]):
            return 412, {"code": "PreconditionFailed"}
        account.etags += 1
        held[key] = {**body, "_etag": f'"{account.etags}"', "_rid": "r", "_ts": 1}
        return (201 if kind == "POST document" else 200), {}


def _fits(id_: str, given: dict) -> bool:
    if "@ids" in given:
        return id_ in given["@ids"]
    return given.get("@low", "") <= id_ <= given.get("@high", id_)
