"""A local server that behaves as Apple's documented API of sales reports: it checks tokens, packs reports, and fails on demand.

https://developer.apple.com/documentation/appstoreconnectapi/get-v1-salesreports and the pages on tokens, errors, limits.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

VENDOR, ISSUER, KEY_ID = "85000001", "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34"
_LONGEST = timedelta(minutes=20)


def new_key() -> tuple[str, ec.EllipticCurvePublicKey]:
    """A private key as Apple hands it out, and the public one that Apple keeps."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), key.public_key()


@dataclass
class Apple:
    """The server's state: reports by day, answers that come before the real ones, and the days that were asked for."""

    public_key: ec.EllipticCurvePublicKey
    reports: dict[str, str] = field(default_factory=dict)
    silent_days: set[str] = field(default_factory=set)
    first: list[str] = field(default_factory=list)  # "429", "500", "cut", "cut inside", "403"
    asked: list[str] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    url: str = ""

    def refusal(self, header: str | None) -> str | None:
        """Why a request's token isn't good; None if it is."""
        try:
            token = (header or "").removeprefix("Bearer ")
            claims = jwt.decode(
                token, self.public_key, algorithms=["ES256"], audience="appstoreconnect-v1", issuer=ISSUER,
                options={"require": ["exp", "iat", "iss", "aud"], "verify_exp": False, "verify_iat": False},
            )  # fmt: skip
            head = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            return type(error).__name__
        issued, ends = (datetime.fromtimestamp(claims[name], timezone.utc) for name in ("iat", "exp"))
        now = self.now()
        is_good = head["kid"] == KEY_ID and head["typ"] == "JWT" and ends - issued <= _LONGEST
        return None if is_good and issued <= now + timedelta(seconds=60) and now < ends else "claims"


def _handler(apple: Apple) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            apple.asked.append(asked.get("filter[reportDate]", ""))
            if parts.path != "/v1/salesReports":
                self._refuse(404, "NOT_FOUND", "The path provided does not match a defined resource type.")
            elif apple.refusal(self.headers.get("Authorization")):
                self._refuse(401, "NOT_AUTHORIZED", "Provide a properly configured and signed bearer token.")
            elif apple.first and apple.first[0].isdigit():
                self._refuse(int(apple.first.pop(0)), "ERROR", "As asked for by the test.")
            elif asked.get("filter[vendorNumber]") != VENDOR:
                self._refuse(400, "PARAMETER_ERROR.INVALID", "Invalid vendor number specified.")
            elif {asked.get(f"filter[{name}]") for name in ("frequency", "reportType", "reportSubType")} != {
                "DAILY", "SALES", "SUMMARY",
            }:  # fmt: skip
                self._refuse(400, "PARAMETER_ERROR.INVALID", "The report is of no known type.")
            else:
                self._report(asked["filter[reportDate]"])

        def _report(self, on: str) -> None:
            if on in apple.silent_days:
                self._refuse(404, "NOT_FOUND", "There were no sales for the date specified.")
            elif on not in apple.reports:
                self._refuse(
                    404, "NOT_FOUND", "Report is not available yet. Daily reports are available by 5 am Pacific."
                )
            else:
                body = gzip.compress(apple.reports[on].encode())
                how = apple.first.pop(0) if apple.first else ""
                sent = body[: len(body) // 2] if how else body
                self._send(200, "application/a-gzip", sent, len(body) if how == "cut" else len(sent))

        def _refuse(self, status: int, code: str, detail: str) -> None:
            error = {"status": str(status), "code": code, "title": "An error", "detail": detail}
            self._send(status, "application/json", json.dumps({"errors": [error]}).encode(), None)

        def _send(self, status: int, kind: str, body: bytes, told: int | None) -> None:
            self.send_response_only(status)
            self.send_header("Date", format_datetime(apple.now(), usegmt=True))
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) if told is None else told))
            self.send_header("X-Rate-Limit", "user-hour-lim:3500;user-hour-rem:3000;")
            if status == 429:
                self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(body)
            if told not in (None, len(body)):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is its own."""

    return Handler


@contextmanager
def served(apple: Apple) -> Iterator[Apple]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(apple))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    apple.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield apple
    finally:
        server.shutdown()
        server.server_close()
