"""Documents in Azure Cosmos DB, in an account that may be busy, far away or closed to us.

A container is partitioned by tenant, and only tenant and id are indexed: queries are ranges of ids within a tenant. Each
document is written by itself, with the ETag of the one that it replaces, so that an older revision never replaces a newer one.
After an interruption the caller writes again.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from metrics_lake.io.documents.cosmos_answers import BUSY, TRIES, complaint, pause_seconds
from metrics_lake.io.documents.cosmos_client import connected
from metrics_lake.io.documents.removed import note, partition
from metrics_lake.io.documents.sizes import BATCH_DOCUMENTS, batches
from metrics_lake.io.documents.store import Document, Health, StoreError, continued, revision

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy, CosmosClient

T = TypeVar("T")
_PARTITION = "/tenant"
_INDEXED = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/tenant/?"}],  # ids are always indexed
    "excludedPaths": [{"path": "/*"}],
}
_ANSWER_SECONDS = 20
_CONTESTS = 10


class CosmosError(StoreError):
    """Cosmos DB can't be read or written; the message says why, and what to do."""


class CosmosDocuments:
    """The containers of one database. Without `key` a managed identity is used, or the login of Azure's tools."""

    takes_many_writers = True

    def __init__(
        self,
        endpoint: str,
        database: str,
        key: str | None,
        *,
        at_once: int = 8,
        pause: Callable[[float], None] = time.sleep,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._endpoint, self._name, self._key = endpoint, database, key
        self._at_once, self._pause, self._answer_seconds = at_once, pause, answer_seconds
        self._containers: dict[str, ContainerProxy] = {}

    def __repr__(self) -> str:
        return f"CosmosDocuments({self._endpoint!r}, {self._name!r})"

    def between(self, container: str, tenant: str, low: str, high: str) -> list[Document]:
        with self._translated_errors():
            documents = self._query(
                self._container(container),
                "SELECT * FROM c WHERE c.tenant = @tenant AND c.id >= @low AND c.id <= @high",
                tenant,
                low=low,
                high=high,
            )
        plain = (
            {name: value for name, value in document.items() if not name.startswith("_")} for document in documents
        )
        return sorted(plain, key=lambda document: str(document["id"]))

    def ids(self, container: str, tenant: str) -> list[str]:
        with self._translated_errors():
            rows = self._query(self._container(container), "SELECT c.id FROM c WHERE c.tenant = @tenant", tenant)
        return sorted(row["id"] for row in rows)

    def upsert(self, container: str, documents: Iterable[Document]) -> int:
        with self._translated_errors(), ThreadPoolExecutor(self._at_once) as workers:
            return sum(self._put(self._existing(container), batch, workers) for batch in batches(list(documents)))

    def delete(self, container: str, tenant: str, ids: Iterable[str]) -> None:
        every_id = list(ids)
        with self._translated_errors(), ThreadPoolExecutor(self._at_once) as workers:
            for at in range(0, len(every_id), BATCH_DOCUMENTS):
                self._delete_batch(self._container(container), tenant, every_id[at : at + BATCH_DOCUMENTS], workers)

    def _delete_batch(self, there: ContainerProxy, tenant: str, ids: list[str], workers: ThreadPoolExecutor) -> None:
        """Removes a batch of documents; their revisions are noted before."""
        stored = self._revisions(there, tenant, ids).values()
        notes = [note(document, tenant) for document in stored if revision(document)]
        if notes:
            self._put(there, notes, workers)
        list(workers.map(partial(self._remove, there, tenant), ids))

    def _remove(self, there: ContainerProxy, tenant: str, id_: str) -> None:
        with suppress(CosmosResourceNotFoundError):
            self._with_retries(lambda: there.delete_item(id_, partition_key=tenant))

    def scrub(self) -> None:
        """Nothing to do: the service keeps no file here."""

    def health(self) -> Health:
        try:
            return Health(True, f"Cosmos DB: {self.state()}")
        except CosmosError as error:
            state, _, remedy = str(error).partition(": ")
            return Health(False, state, remedy)

    def state(self) -> str:
        """The database's state in a few words; CosmosError if the account can't be reached or refuses us."""
        with self._translated_errors():
            try:
                self._with_retries(self._database.read)
            except CosmosResourceNotFoundError:
                return f"no database {self._name} yet; publish makes it"
        return f"database {self._name}"

    def _put(self, there: ContainerProxy, batch: list[Document], workers: ThreadPoolExecutor) -> int:
        """Writes those documents of which no newer revision is stored; returns how many. Concurrent writes are read again.

        A document of revision 1 is inserted without a look whether one is stored, until the service refuses: so a first
        publish only asks for revisions of removed documents.
        Queries are sent while no worker writes: all threads share the client's headers of the last answer.
        """
        written, left = 0, batch
        for contest in range(_CONTESTS):
            asked = [document["id"] for document in left if contest or revision(document) > 1]
            stored = self._revisions(there, batch[0]["tenant"], asked) if asked else {}
            due = [document for document in left if revision(stored.get(document["id"], {})) <= revision(document)]
            new_ids = [document["id"] for document in due if document["id"] not in stored]
            last = self._last(there, batch[0]["tenant"], new_ids)
            puts = ((continued(document, last.get(document["id"], 0)), stored.get(document["id"])) for document in due)
            is_written = list(workers.map(lambda put: self._is_written(there, *put), puts))
            written += sum(is_written)
            left = [document for document, done in zip(due, is_written, strict=True) if not done]
            if not left:
                return written
        raise CosmosError(f"{left[0]['id']} is written by others all the time: let one publisher write at a time")

    def _is_written(self, there: ContainerProxy, document: Document, stored: Document | None) -> bool:
        """Replaces the stored document, or inserts one; false if another was written meanwhile."""
        try:
            if stored is None:
                self._with_retries(lambda: there.create_item(document, no_response=True))
            else:
                guard = {"etag": stored["_etag"], "match_condition": MatchConditions.IfNotModified, "no_response": True}
                self._with_retries(lambda: there.replace_item(document["id"], document, **guard))
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError, CosmosResourceNotFoundError):
            return False
        return True

    def _revisions(self, there: ContainerProxy, tenant: str, ids: list[str]) -> dict[str, Document]:
        """Revision and ETag of the stored documents among these, by id."""
        text = "SELECT c.id, c.revision, c._etag FROM c WHERE c.tenant = @tenant AND ARRAY_CONTAINS(@ids, c.id)"
        return {row["id"]: row for row in self._query(there, text, tenant, ids=ids)}

    def _last(self, there: ContainerProxy, tenant: str, ids: list[str]) -> dict[str, int]:
        """The last revisions of removed documents, by id. Notes themselves, in their own partition, have none."""
        if not ids or tenant.startswith(partition("")):
            return {}
        return {id_: revision(removed) for id_, removed in self._revisions(there, partition(tenant), ids).items()}

    def _query(self, there: ContainerProxy, text: str, tenant: str, **more: Any) -> list[Document]:
        """A query of one tenant's partition. Its text names the tenant too: some emulators ignore partitions."""
        parameters = [{"name": f"@{name}", "value": value} for name, value in {"tenant": tenant, **more}.items()]
        try:
            return self._with_retries(
                lambda: list(there.query_items(text, parameters=parameters, partition_key=tenant))
            )
        except CosmosResourceNotFoundError:  # nothing was ever written there
            return []

    def _container(self, name: str) -> ContainerProxy:
        return self._containers.get(name) or self._database.get_container_client(name)

    def _existing(self, name: str) -> ContainerProxy:
        """A container that exists: it is created on first use, if this identity may do so."""
        if name not in self._containers:
            container = self._database.get_container_client(name)
            try:
                properties = self._with_retries(container.read)
            except CosmosResourceNotFoundError:
                properties = self._with_retries(lambda: self._create(name).read())
            if properties["partitionKey"]["paths"] != [_PARTITION]:
                raise CosmosError(
                    f"the container {name} isn't partitioned by {_PARTITION}: name another documents.database"
                )
            self._containers[name] = container
        return self._containers[name]

    def _create(self, name: str) -> ContainerProxy:
        try:
            database = self._client.create_database_if_not_exists(self._name)
            return database.create_container_if_not_exists(name, PartitionKey(_PARTITION), indexing_policy=_INDEXED)
        except CosmosHttpResponseError as error:
            if error.status_code != 403:
                raise
            raise CosmosError(
                f"the container {name} isn't there, and this identity may not make it: let someone who may make the "
                f"database {self._name} and in it {name}, with the partition key {_PARTITION}"
            ) from error

    @cached_property
    def _database(self) -> Any:
        return self._client.get_database_client(self._name)

    @cached_property
    def _client(self) -> CosmosClient:
        return self._with_retries(lambda: connected(self._endpoint, self._key, self._answer_seconds))

    def _with_retries(self, call: Callable[[], T]) -> T:
        """The result of a call, tried again while the service is busy, after the pause that it asks for or a random one."""
        for attempt in itertools.count(1):
            try:
                return call()
            except (CosmosHttpResponseError, ServiceRequestError, ServiceResponseError) as error:
                if attempt == TRIES or getattr(error, "status_code", 503) not in BUSY:
                    raise
                self._pause(pause_seconds(error, attempt))
        raise AssertionError

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Raises the client's errors as CosmosError in our own words: the service's may contain addresses."""
        try:
            yield
        except AzureError as error:
            raise CosmosError(f"Cosmos DB at {self._endpoint} {complaint(error)}") from error
