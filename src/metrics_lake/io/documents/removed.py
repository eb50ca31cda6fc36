"""Notes of removed documents in Cosmos DB: their revisions, so that a document inserted again continues its own.

A note lies in the document's container, in a partition beside the tenant's: no range, no list of ids and no query of the
tenant's documents includes it.
"""

from __future__ import annotations

from metrics_lake.io.documents.store import Document, revision


def partition(tenant: str) -> str:
    """The partition of a tenant's notes: no tenant can have this name."""
    return f"removed:{tenant}"


def note(document: Document, tenant: str) -> Document:
    """The note of a document of the tenant. It contains none of its figures."""
    return {"id": document["id"], "tenant": partition(tenant), "revision": revision(document)}
