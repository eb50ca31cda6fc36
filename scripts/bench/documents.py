"""How fast documents are written, written again and read: SQLite beside a Cosmos DB emulator.

    scripts/bench/documents.py [DOCUMENTS]      10,000 unless told; needs the servers of scripts/setup/stack

The emulator runs without TLS, under which it wants a new connection for each call; it is one process that minds no
throughput, so its figures are those of the client more than those of the service.
"""

import base64
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from datasketches import update_theta_sketch

from metrics_lake.io.cosmos import CosmosDocuments
from metrics_lake.io.documents import Document, DocumentStore, SqliteDocuments

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / ".cache/stack/node/node_modules/@vercel/cosmosdb-server/lib/cli.js"
CONTAINER, LISTENERS = "listening", 200
AT_ONCE = (1, 8)


def drawn(count: int, revision: int) -> Iterator[Document]:
    """Documents as publish writes them, each with a sketch of some listeners."""
    sketch = update_theta_sketch(12)
    for listener in range(LISTENERS):
        sketch.update(f"{listener:032x}")
    text = base64.b64encode(sketch.compact().serialize()).decode()
    for number in range(count):
        yield {
            "id": f"*:hour:{number:08}", "tenant": "acme", "stream": "*", "grain": "hour", "start": f"{number:08}",
            "total_sessions": number, "total_hours": number / 7, "unique_listeners": LISTENERS, "peak_listeners": 3,
            "excluded": {"bot": 3}, "unique_sketch": text, "status": "final", "revision": revision,
        }  # fmt: skip


@contextmanager
def emulator() -> Iterator[str]:
    command = ["node", EMULATOR, "--host", "127.0.0.1", "-p", "0", "--no-ssl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield "http://" + process.stdout.readline().rpartition(" at ")[2].strip()
        finally:
            process.terminate()


def measured(name: str, store: DocumentStore, count: int) -> None:
    def timed(what: str, work: Callable[[], object]) -> None:
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        print(f"{name:<26}{what:<10}{seconds:8.1f} s{count / seconds:10,.0f} a second", flush=True)
        print(f"{'':<36}{seconds * 100_000 / count:8.0f} s for 100,000 at this rate", flush=True)

    timed("new", lambda: store.upsert(CONTAINER, drawn(count, 1)))
    timed("changed", lambda: store.upsert(CONTAINER, drawn(count, 2)))
    timed("read", lambda: store.between(CONTAINER, "acme", "*:hour:", "*:hour:~"))


def main(count: int) -> None:
    size = sum(len(str(each)) for each in drawn(10, 1)) // 10
    print(f"{count:,} documents of about {size:,} bytes")
    with tempfile.TemporaryDirectory() as folder:
        measured("SQLite", SqliteDocuments(f"{folder}/documents.db"), count)
    key = base64.b64encode(b"any key serves the emulator here").decode()
    for at_once in AT_ONCE:
        with emulator() as endpoint:
            store = CosmosDocuments(endpoint, "metrics", key, at_once=at_once)
            measured(f"emulator, {at_once} at once", store, count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
