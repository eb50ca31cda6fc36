"""What Cosmos DB keeps of a document that was removed: its revision, so that one put there again goes on from it.

It lies in the document's container, in a partition beside the tenant's, so that no range, no list of ids, and no query of
anybody's for a tenant's documents holds it.
"""

from __future__ import annotations

from metrics_lake.io.documents.store import Document, revision


def partition(tenant: str) -> str:
    """Where it is kept: under a name that no tenant can have."""
    return f"removed:{tenant}"


def note(document: Document, tenant: str) -> Document:
    """What is kept of a document of the tenant: not a figure of it."""
    return {"id": document["id"], "tenant": partition(tenant), "revision": revision(document)}
