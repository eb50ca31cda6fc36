"""The limits of Cosmos DB for documents, batches and ids. They are checked here, since emulators don't check them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from metrics_lake.io.documents.store import Document, StoreError

DOCUMENT_BYTES = 2 * 1024 * 1024
BATCH_BYTES = 1_200_000
BATCH_DOCUMENTS = 100
_NO_ID = re.compile(r"[/\\?#]")
_ID_BYTES = 1023


class DocumentError(StoreError):
    """A document that Cosmos DB would refuse; the message names it and its limit."""


def batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Documents in batches of one tenant, each within the limits. All are checked before the first batch is given."""
    sizes = {_key(document): checked_size(document) for document in documents}
    latest = {_key(document): document for document in documents}  # the last of several with one id
    for _, of_tenant in groupby(sorted(latest), key=lambda key: key[0]):
        batch, total = list[Document](), 0
        for key in of_tenant:
            if batch and (len(batch) == BATCH_DOCUMENTS or total + sizes[key] > BATCH_BYTES):
                yield batch
                batch, total = [], 0
            batch.append(latest[key])
            total += sizes[key]
        yield batch


def _key(document: Document) -> tuple[str, str]:
    return document["tenant"], document["id"]


def checked_size(document: Document) -> int:
    """How many bytes a document takes as JSON."""
    id_ = document["id"]
    if not id_ or _NO_ID.search(id_) or id_.endswith(" ") or len(id_.encode()) > _ID_BYTES:
        raise DocumentError(
            f"{id_[:80]!r} can't be an id: at most {_ID_BYTES} bytes, without / \\ ? # and no blank at its end"
        )
    size = len(json.dumps(document, ensure_ascii=False).encode())
    if size > DOCUMENT_BYTES:
        raise DocumentError(f"the document {id_} has {size:,} bytes, more than the {DOCUMENT_BYTES:,} that fit")
    return size
