#!/usr/bin/env python3
"""Brings log files that logrotate has rotated into a container of Azure: each once, whole. Needs Python 3.9 and no package.

    upload.py take FILE ...   puts files into the spool, starts `send` behind itself, and is done in no time
    upload.py send            uploads what the spool holds; ends with 1 if something is left in it

`take` belongs into logrotate's postrotate script (haproxy.logrotate), after the log daemon was told to reopen its file.
A file in the spool is a hard link: rotation may delete the other one, and lines that the daemon still writes are not lost.
`send` waits until a file has been quiet for some seconds, packs it, uploads it under a temporary name, and gives it
its own name if no other has that yet. Where the net is away it tries again, later and later; what it can't send in an
hour stays in the spool for the next. One `send` works at a time. state.json in the spool tells what was sent, and why
something was not.

From the environment (nothing secret is ever on a command line, in a message or in the state):

    METRICS_LAKE_LANDING_URL    https://ACCOUNT.blob.core.windows.net/CONTAINER, a path may follow
    METRICS_LAKE_STORAGE_SAS    a SAS token with the rights r, c, w, d; or …_SAS_FILE, a file that holds it
    METRICS_LAKE_STORAGE_KEY    else the account's key; or …_KEY_FILE
    METRICS_LAKE_SPOOL          where files wait: on the file system of the logs [/var/spool/haproxy-upload]
    METRICS_LAKE_PROXY          the folder below haproxy/ [this host's name]
    METRICS_LAKE_QUIET_SECONDS  how long a file must not have changed [10]
    METRICS_LAKE_PATIENCE_SECONDS  how long one `send` tries [3000]
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import gzip
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Protocol

VERSION = "2021-12-02"  # of the service's REST interface
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
KEPT_IN_STATE = 2000
TEMPORARY = ".tmp"
PIECE = 1 << 20
REMEDIES = {
    401: "the key or SAS is refused: renew it",
    403: "the key or SAS is refused, has expired, or lacks a right (r, c, w and d are needed)",
    404: "there is no such container: make it, or mend METRICS_LAKE_LANDING_URL",
}


class UploadError(Exception):
    """A file can't be sent now; the message says why, and holds nothing secret."""


@dataclass(frozen=True)
class Packed:
    """A log file as it is sent. `log_hash` is the SHA-256 of the log itself, `md5` that of the packed bytes."""

    path: Path
    log_hash: str
    md5: bytes


class Store(Protocol):
    """A container, by paths within it."""

    def put(self, path: str, packed: Packed) -> None:
        """Writes a blob, whatever is there."""
        ...

    def rename(self, old: str, new: str) -> bool:
        """Gives a blob its name; False if that is taken."""
        ...

    def log_hash(self, path: str) -> str | None:
        """What `put` noted of a blob."""
        ...


class RestStore:
    """The service's REST interface, with a SAS or the account's key."""

    def __init__(self, url: str, sas: str, key: str) -> None:
        self._url, self._sas = url, sas.lstrip("?")
        self._key = b"" if sas else base64.b64decode(key)
        parts = urllib.parse.urlsplit(url)
        is_name = parts.hostname is not None and ".blob." in parts.hostname
        self._account = parts.hostname.partition(".")[0] if is_name else parts.path.split("/")[1]  # else an emulator

    def put(self, path: str, packed: Packed) -> None:
        head = {
            "x-ms-blob-type": "BlockBlob",
            "x-ms-meta-log_sha256": packed.log_hash,
            "Content-Type": "application/gzip",
        }
        head["Content-MD5"] = base64.b64encode(packed.md5).decode()
        head["Content-Length"] = str(packed.path.stat().st_size)
        with packed.path.open("rb") as body:
            self._ask("PUT", path, head, body)

    def rename(self, old: str, new: str) -> bool:
        source = self._place(old) + (f"?{self._sas}" if self._sas else "")
        try:
            answer = self._ask("PUT", new, {"x-ms-copy-source": source, "If-None-Match": "*", "Content-Length": "0"})
        except urllib.error.HTTPError as error:
            if error.code not in (409, 412):
                raise
            return False
        while answer.get("x-ms-copy-status") == "pending":
            time.sleep(FIRST_PAUSE)
            answer = self._ask("HEAD", new, {})
        if answer.get("x-ms-copy-status") not in (None, "success"):
            self._ask("DELETE", new, {})
            raise UploadError("the service could not copy the file to its name")
        with contextlib.suppress(OSError):  # who may not delete leaves a blob that readers pass over
            self._ask("DELETE", old, {})
        return True

    def log_hash(self, path: str) -> str | None:
        return self._ask("HEAD", path, {}).get("x-ms-meta-log_sha256")

    def _place(self, path: str) -> str:
        return f"{self._url}/{urllib.parse.quote(path)}"

    def _ask(self, verb: str, path: str, head: dict[str, str], body: object = None) -> dict[str, str]:
        head = {**head, "x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
        place = self._place(path)
        if self._sas:
            place += f"?{self._sas}"
        else:
            head["Authorization"] = f"SharedKey {self._account}:{self._signed(verb, place, head)}"
        request = urllib.request.Request(place, method=verb, headers=head, data=body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}

    def _signed(self, verb: str, place: str, head: dict[str, str]) -> str:
        length = head.get("Content-Length", "")
        plain = [
            verb,
            "",
            "",
            "" if length == "0" else length,
            head.get("Content-MD5", ""),
            head.get("Content-Type", ""),
        ]
        plain += ["", "", "", head.get("If-None-Match", ""), "", ""]
        own = sorted(f"{name}:{value}" for name, value in head.items() if name.startswith("x-ms-"))
        text = "\n".join([*plain, *own, f"/{self._account}{urllib.parse.urlsplit(place).path}"])
        return base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()


class Spool:
    """A folder of files that wait, and the note of what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._state = folder, folder / "state.json"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take(self, file: Path) -> None:
        """A second name for the file; a copy where the spool is on another file system."""
        own = self.folder / file.name
        if own.exists() or self._is_sent(file):
            return
        try:
            own.hardlink_to(file) if hasattr(own, "hardlink_to") else os.link(file, own)
        except FileExistsError:
            return
        except OSError:
            draft = self.folder / f".{file.name}.copy"
            shutil.copy2(file, draft)
            draft.rename(own)

    def waiting(self) -> list[Path]:
        return sorted(p for p in self.folder.iterdir() if not p.name.startswith(".") and p != self._state)

    def sent(self, file: Path, log_hash: str, size: int) -> None:
        """Notes it, and lets go of the file."""
        state = self.state()
        done = {**state["sent"], file.name: {"sha256": log_hash, "bytes": size, "at": _now()}}
        self._write({"sent": dict(list(done.items())[-KEPT_IN_STATE:]), "failed": None})
        file.unlink()

    def failed(self, file: Path, why: str) -> None:
        self._write({**self.state(), "failed": {"file": file.name, "why": why, "at": _now()}})

    def state(self) -> dict:
        with contextlib.suppress(OSError, ValueError):
            return {"sent": {}, "failed": None, **json.loads(self._state.read_text())}
        return {"sent": {}, "failed": None}

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process is the only one that sends, while the block runs."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _is_sent(self, file: Path) -> bool:
        before = self.state()["sent"].get(file.name)
        return before is not None and before["sha256"] == _hash(file)

    def _write(self, state: dict) -> None:
        draft = self.folder / ".state.new"
        draft.write_text(json.dumps(state, indent=1))
        draft.replace(self._state)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(PIECE):
            yield piece


def _hash(file: Path) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(file):
        digest.update(piece)
    return digest.hexdigest()


def packed(file: Path, into: Path) -> Packed:
    digest = hashlib.sha256()
    with into.open("wb") as target, gzip.GzipFile("", "wb", 6, target, mtime=0) as sink:
        for piece in _pieces(file):
            digest.update(piece)
            sink.write(piece)
    md5 = hashlib.md5(usedforsecurity=False)
    for piece in _pieces(into):
        md5.update(piece)
    return Packed(into, digest.hexdigest(), md5.digest())


def send_file(spool: Spool, store: Store, folder: str, file: Path, quiet_seconds: float) -> None:
    """Uploads one file and lets go of it; raises where it can't, and then it stays."""
    while (age := time.time() - file.stat().st_mtime) < quiet_seconds:
        time.sleep(min(max(quiet_seconds - age, 0.05), quiet_seconds))
    before, draft = file.stat(), spool.folder / f".{file.name}.gz"
    try:
        content = packed(file, draft)
        name = f"{folder}/{file.name}.gz"
        temporary = f"{folder}/.{file.name}.{content.log_hash[:12]}{TEMPORARY}"
        store.put(temporary, content)
        after = file.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise UploadError("it is still being written to: have the log daemon reopen its file before `take`")
        if not store.rename(temporary, name) and store.log_hash(name) != content.log_hash:
            raise UploadError(f"another file is at {name} already: is METRICS_LAKE_PROXY that of another host?")
        spool.sent(file, content.log_hash, before.st_size)
    finally:
        draft.unlink(missing_ok=True)


def describe(error: Exception) -> str:
    """Why it failed, without an address that may hold a SAS."""
    if isinstance(error, UploadError):
        return str(error)
    code = getattr(error, "code", None) or getattr(error, "status_code", None)
    if isinstance(code, int):
        return f"the service answers {code}: {REMEDIES.get(code, 'it will be tried again')}"
    is_away = isinstance(error, OSError) or type(error).__module__.startswith("azure.")
    return f"{type(error).__name__}{': the service can not be reached, or the file not read' if is_away else ''}"


def send(spool: Spool, store: Store, folder: str, quiet_seconds: float, patience: float) -> bool:
    """Uploads all that waits, also what comes meanwhile; whether nothing is left that this process could send."""
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while spool.waiting():
        with spool.alone() as is_alone:
            if not is_alone:
                return True  # the other one looks once more after it has let go
            is_stuck = False
            for file in spool.waiting():
                try:
                    send_file(spool, store, folder, file, quiet_seconds)
                except Exception as error:  # of whatever library: the file stays, and others are tried
                    is_stuck = True
                    spool.failed(file, describe(error))
                    print(f"{file.name}: {describe(error)}", file=sys.stderr, flush=True)
        if is_stuck:
            if time.monotonic() + pause > until:
                return False
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
    return True


def secret(name: str) -> str:
    """From the environment, or from the file that the environment names."""
    file = os.environ.get(f"{name}_FILE")
    return (os.environ.get(name) or (Path(file).read_text() if file else "")).strip()


def landing_url() -> str:
    url = os.environ.get("METRICS_LAKE_LANDING_URL", "").rstrip("/")
    if not url.startswith(("https://", "http://127.0.0.1")) or "?" in url:
        raise UploadError(
            "METRICS_LAKE_LANDING_URL: write https://ACCOUNT.blob.core.windows.net/CONTAINER, without a SAS"
        )
    return url


def rest_store() -> Store:
    sas, key = secret("METRICS_LAKE_STORAGE_SAS"), secret("METRICS_LAKE_STORAGE_KEY")
    if not (sas or key):
        raise UploadError("no METRICS_LAKE_STORAGE_SAS (or …_FILE), and no METRICS_LAKE_STORAGE_KEY (or …_FILE)")
    return RestStore(landing_url(), sas, key)


def main(words: list[str], program: str, store: Callable[[], Store]) -> int:
    if words[:1] not in (["take"], ["send"]):
        print(__doc__, file=sys.stderr)
        return 2
    environ = os.environ.get
    try:
        spool = Spool(Path(environ("METRICS_LAKE_SPOOL", "/var/spool/haproxy-upload")))
        if words[0] == "take":
            for file in words[1:]:
                spool.take(Path(file))
            subprocess.Popen([sys.executable, program, "send"], start_new_session=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            return 0
        folder = f"haproxy/{environ('METRICS_LAKE_PROXY') or socket.gethostname()}"
        quiet, patience = (
            float(environ(f"METRICS_LAKE_{name}_SECONDS", d)) for name, d in (("QUIET", 10), ("PATIENCE", 3000))
        )
        return 0 if send(spool, store(), folder, quiet, patience) else 1
    except (UploadError, OSError, ValueError) as error:
        print(f"{Path(program).name}: {describe(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __file__, rest_store))
