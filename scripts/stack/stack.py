"""`make stack-up` and `make stack-down`: the servers that conf/emulators.yaml names, by hand, for `--env emulators`.

A server holds a lock as long as it lives, which it has from us: so a number in a file is never taken for another process.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from servers import HOST, ROOT, Server, servers

from metrics_lake.config.settings import SettingsError, load

STATE = ROOT / ".cache" / "stack" / "up"
PATIENCE = 120.0  # seconds for a server to answer


class StackError(Exception):
    """One line for a person."""


def up(conf: str, state: Path) -> None:
    """Starts what isn't running, waits until each answers, and prints what has to be in the environment."""
    settings = load(conf, "emulators")
    state.mkdir(parents=True, exist_ok=True)
    for name, text in (("storage.key", _key(64)), ("cosmos.key", _key(64)), ("secret", os.urandom(32).hex())):
        _keep(state / name, text)
    known = servers(settings, state)
    missing = {name: server for name, server in known.items() if not is_running(name, state)}
    for name, server in missing.items():
        if not _is_free(server.port):
            raise StackError(
                f"port {server.port} is taken, which {name} wants: end what has it, or change stack.{name} and the address "
                f"with it in {conf}/emulators.yaml"
            )
    for name, server in missing.items():
        _start(name, server, state)
    for name, server in known.items():
        _wait(name, server, state)
        print(
            f"stack: {name} answers on {HOST}:{server.port}{'' if name in missing else ', as before'}", file=sys.stderr
        )
    for variable, file in (("STORAGE_KEY", "storage.key"), ("COSMOS_KEY", "cosmos.key"), ("SECRET", "secret")):
        print(f"export METRICS_LAKE_{variable}_FILE={state / file}")


def down(state: Path) -> None:
    """Stops the servers that `up` started, all of them and no other; their data is gone."""
    running = [file.stem for file in sorted(state.glob("*.pid")) if is_running(file.stem, state)]
    for name in running:
        os.kill(_pid(name, state), signal.SIGTERM)
    for name in running:
        if not _is_gone(name, state, 30.0):
            os.kill(_pid(name, state), signal.SIGKILL)
            _is_gone(name, state, 10.0)
    shutil.rmtree(state, ignore_errors=True)
    print(f"stack: stopped {', '.join(running)}" if running else "stack: nothing was running", file=sys.stderr)


def is_running(name: str, state: Path) -> bool:
    """Whether the server that `up` started still holds its lock."""
    try:
        with (state / f"{name}.pid").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _pid(name: str, state: Path) -> int:
    return int((state / f"{name}.pid").read_text())


def _key(length: int) -> str:
    return base64.b64encode(os.urandom(length)).decode()


def _keep(path: Path, text: str) -> None:
    """A secret of this stack's own, for its owner alone; one that is there stays."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _start(name: str, server: Server, state: Path) -> None:
    server.prepare()
    with (state / f"{name}.pid").open("w") as pid_file, (state / f"{name}.log").open("wb") as log:
        fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process = subprocess.Popen(
            server.command, cwd=state, env={**os.environ, **server.environment}, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, pass_fds=[pid_file.fileno()],
        )  # fmt: skip
        pid_file.write(str(process.pid))


def _wait(name: str, server: Server, state: Path) -> None:
    patient = time.monotonic() + PATIENCE
    while True:
        try:
            return server.answers()
        except Exception as error:
            if not is_running(name, state):
                raise StackError(f"{name} ended at once; {state / name}.log says why") from None
            if time.monotonic() > patient:
                raise StackError(
                    f"{name} doesn't answer ({type(error).__name__}); {state / name}.log says more"
                ) from None
        time.sleep(0.2)


def _is_gone(name: str, state: Path, seconds: float) -> bool:
    patient = time.monotonic() + seconds
    while is_running(name, state) and time.monotonic() < patient:
        time.sleep(0.1)
    return not is_running(name, state)


def main() -> int:
    parser = argparse.ArgumentParser(prog="stack", description=__doc__)
    parser.add_argument("verb", choices=["up", "down"])
    parser.add_argument("--conf", default="conf", help="folder of settings")
    parser.add_argument("--state", type=Path, default=STATE, help="folder for what the servers write while they run")
    asked = parser.parse_args()
    try:
        if asked.verb == "up":
            up(asked.conf, asked.state.resolve())
        else:
            down(asked.state.resolve())
    except (StackError, SettingsError, OSError, subprocess.SubprocessError) as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
