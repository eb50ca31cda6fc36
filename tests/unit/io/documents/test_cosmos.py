"""Cosmos DB as a store: what every store does, and what only one far away has to: wait, try again, give up in words."""

from __future__ import annotations

import base64
import json
import time
import traceback

import pytest
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.io.documents.cosmos import CosmosDocuments, CosmosError
from metrics_lake.io.documents.sizes import BATCH_BYTES, DOCUMENT_BYTES, DocumentError, batches
from tests.unit.io.cosmos_double import Account, Fault, serving
from tests.unit.io.store_contract import C, document, ids

KEY = base64.b64encode(b"a key that is not to be seen anywhere").decode()
CREATE, REPLACE, QUERY, DELETE = "POST document", "PUT document", "query", "DELETE document"


@pytest.fixture
def account():
    with serving() as found:
        yield found


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(account, pauses) -> CosmosDocuments:
    return CosmosDocuments(account.address, "metrics", KEY, pause=pauses.append, answer_seconds=1)


def test_containers_are_made_on_first_use_partitioned_by_tenant_and_indexed_by_nothing_else(store, account):
    store.upsert(C, [document("a")])
    made = account.containers["metrics/listening"]
    assert made["partitionKey"]["paths"] == ["/tenant"]
    assert made["indexingPolicy"]["includedPaths"] == [{"path": "/tenant/?"}]
    assert made["indexingPolicy"]["excludedPaths"] == [{"path": "/*"}]


def test_asking_makes_no_container(store, account):
    assert ids(store) == [] and account.containers == {}


def test_a_container_that_stands_is_looked_at_once_and_made_never(store, account):
    store.upsert(C, [document("a")])
    account.calls.clear()
    again = CosmosDocuments(account.address, "metrics", KEY)
    again.upsert(C, [document(f"b{number}") for number in range(250)])
    assert account.of("POST container") == account.of("POST database") == 0 and account.of("GET container") <= 2


def test_a_new_document_takes_one_call_and_a_changed_one_too_whose_etag_is_asked_by_the_hundred(store, account):
    store.upsert(C, [document(f"{number:03}", revision=1) for number in range(150)])
    assert (account.of(CREATE), account.of(REPLACE), account.of(QUERY)) == (150, 0, 2)  # for what was removed before
    store.upsert(C, [document(f"{number:03}", revision=2) for number in range(150)])
    assert (account.of(CREATE), account.of(REPLACE), account.of(QUERY)) == (150, 150, 4)


def test_a_first_revision_is_taken_for_new_and_replaces_what_turns_out_to_stand(store, account):
    store.upsert(C, [document("a", revision=1, number=1)])
    assert store.upsert(C, [document("a", revision=1, number=2), document("b", revision=1)]) == 2
    assert (account.of(CREATE), account.of(REPLACE), account.of(QUERY)) == (3, 1, 3)
    assert store.between(C, "acme", "a", "a") == [document("a", revision=1, number=2)]


def test_documents_are_written_several_at_once_but_never_more_than_so_many(account):
    store = CosmosDocuments(account.address, "metrics", KEY, at_once=3)
    account.seconds_a_call = 0.01
    store.upsert(C, [document(f"{number:03}") for number in range(60)])
    assert 2 <= account.most_at_once <= 3


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CREATE, QUERY, "GET container"])
@pytest.mark.parametrize("fault", [
    Fault(449), Fault(503), Fault(408), Fault(0), Fault(0, is_late=True), Fault(200, is_late=True, seconds=1.5),
], ids=["449", "503", "408", "cut", "cut after the work was done", "slow"])  # fmt: skip
def test_a_call_that_fails_in_passing_is_made_again_and_nothing_is_lost_or_doubled(store, account, kind, fault):
    store.upsert(C, [document("x", revision=1)])
    account.faults[kind] = [fault] if fault.seconds else [fault, fault]
    again = CosmosDocuments(account.address, "metrics", KEY, pause=lambda seconds: None, answer_seconds=1)
    again.upsert(C, [document("a", revision=1), document("x", revision=2)])
    assert [(each["id"], each["revision"]) for each in again.between(C, "acme", "", "~")] == [("a", 1), ("x", 2)]
    assert not account.faults[kind]


@pytest.mark.parametrize("fault", [Fault(503), Fault(0, is_late=True)], ids=["503", "cut after the work was done"])
def test_replacing_and_deleting_are_made_again_too(store, account, fault):
    store.upsert(C, [document("a", revision=1), document("b")])
    account.faults[REPLACE], account.faults[DELETE] = [fault], [fault]
    store.upsert(C, [document("a", revision=2)])
    store.delete(C, "acme", ["b"])
    assert store.between(C, "acme", "", "~") == [document("a", revision=2)]


def test_pauses_are_drawn_and_grow_and_end(store, account, pauses):
    store.upsert(C, [document("a")])
    account.faults[QUERY] = [Fault(503) for _ in range(50)]
    with pytest.raises(CosmosError, match=r"is busy \(503, 6 times\): give it more throughput and run again"):
        ids(store)
    assert len(pauses) == 5 and all(0.25 * 2**n <= pause <= 0.25 * 2 ** (n + 1) for n, pause in enumerate(pauses))


def test_who_asks_too_much_waits_as_long_as_the_server_says(store, account):
    store.upsert(C, [document("a")])
    account.faults[CREATE] = [Fault(429, {"x-ms-retry-after-ms": "150"}), Fault(429, {"x-ms-retry-after-ms": "250"})]
    began = time.monotonic()
    store.upsert(C, [document("b")])
    assert time.monotonic() - began >= 0.4 and ids(store) == ["a", "b"]


def test_a_pause_that_the_server_asks_for_is_kept_also_where_the_client_does_not(store, account, pauses):
    account.faults[CREATE] = [Fault(449, {"x-ms-retry-after-ms": "1500"}), Fault(503, {"x-ms-retry-after-ms": "90000"})]
    store.upsert(C, [document("a")])
    assert pauses == [1.5, 30.0] and ids(store) == ["a"]


def test_nobody_waits_for_what_will_not_change(store, account, pauses):
    store.upsert(C, [document("a")])
    account.faults[QUERY] = [Fault(400)]
    with pytest.raises(
        CosmosError, match=r"gives an answer that Cosmos DB would not \(400\): check documents.endpoint"
    ):
        ids(store)
    assert pauses == []


# --- revisions and ETags ---------------------------------------------------------------------------------------------


def test_what_somebody_else_wrote_meanwhile_is_looked_at_before_it_is_replaced(store, account):
    store.upsert(C, [document("a", revision=1)])
    account.faults[REPLACE] = [Fault(412)]
    assert store.upsert(C, [document("a", revision=2)]) == 1
    assert (account.of(REPLACE), store.between(C, "acme", "", "~")[0]["revision"]) == (2, 2)


@pytest.mark.parametrize(("theirs", "stands"), [(5, 5), (2, 3), (1, 3)])
def test_of_two_publishers_the_newer_revision_stands_whoever_comes_last(store, account, theirs, stands):
    store.upsert(C, [document("a", revision=1)])
    put = store._revisions

    def meanwhile(there, tenant, wanted):
        found = put(there, tenant, wanted)
        if account.of(REPLACE) == 0:
            CosmosDocuments(account.address, "metrics", KEY).upsert(C, [document("a", revision=theirs)])
        return found

    store._revisions = meanwhile
    store.upsert(C, [document("a", revision=3)])
    assert store.between(C, "acme", "", "~")[0]["revision"] == stands


def test_a_document_that_others_write_all_the_time_is_given_up_in_words(store, account):
    store.upsert(C, [document("a", revision=1)])
    account.faults[REPLACE] = [Fault(412) for _ in range(20)]
    with pytest.raises(CosmosError, match=r"a is written by others all the time: let one publisher write at a time"):
        store.upsert(C, [document("a", revision=2)])


# --- what can't be mended by trying again ----------------------------------------------------------------------------


def refused(kind: str, status: int, did: str, account: Account, store: CosmosDocuments) -> str:
    account.faults[kind] = [Fault(status) for _ in range(9)]
    with pytest.raises(CosmosError) as error:
        store.upsert(C, [document("a")]) if did == "put" else ids(store)
    told = "".join(traceback.format_exception(error.value))
    assert KEY not in told and "a key that is not" not in told and KEY not in repr(store)
    assert "\n" not in str(error.value) and "192.0.2.7" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("did", ["put", "asked"])
@pytest.mark.parametrize(("status", "said"), [
    (401, "refuses the key: put the account's into METRICS_LAKE_COSMOS_KEY"),
    (403, "does not let this identity or network in: grant it Cosmos DB Built-in Data Contributor"),
])  # fmt: skip
def test_a_refusal_is_one_line_with_a_remedy_and_without_the_key(store, account, did, status, said):
    assert said in refused("GET account", status, did, account, store)


def test_a_container_that_may_not_be_made_is_named_with_what_to_do(store, account):
    told = refused("POST container", 403, "put", account, store)
    assert told.startswith("the container listening isn't there, and this identity may not make it: let someone")


def test_a_container_with_other_partitions_is_refused(store, account):
    account.containers["metrics"] = {"id": "metrics"}
    account.containers["metrics/listening"] = {"id": C, "partitionKey": {"paths": ["/id"]}, "_rid": "r", "_self": "s"}
    with pytest.raises(CosmosError, match=r"isn't partitioned by /tenant: name another documents.database"):
        store.upsert(C, [document("a")])


def test_where_nobody_answers_the_endpoint_is_named(pauses):
    store = CosmosDocuments("https://localhost:9", "metrics", KEY, pause=pauses.append)
    with pytest.raises(
        CosmosError, match=r"Cosmos DB at https://localhost:9 gives no answer: check documents.endpoint"
    ):
        ids(store)
    assert len(pauses) == 5


def test_a_server_of_another_kind_is_no_account(account, store):
    account.is_a_web_page = True
    with pytest.raises(CosmosError, match="gives an answer that Cosmos DB would not"):
        ids(store)


def test_without_key_or_identity_it_says_so(monkeypatch):
    class Nobody:
        def get_token(self, *scopes, **options):
            raise ClientAuthenticationError("no identity here")

    monkeypatch.setattr("metrics_lake.io.documents.cosmos_client.default_credential", Nobody)
    with pytest.raises(CosmosError, match="there is no managed identity here; set METRICS_LAKE_COSMOS_KEY"):
        ids(CosmosDocuments("https://localhost:9", "metrics", None))


def test_what_stands_is_told_in_a_few_words(store):
    assert store.state() == "no database metrics yet; publish makes it"
    store.upsert(C, [document("a")])
    assert store.state() == "database metrics"


# --- limits that the service has and emulators don't -----------------------------------------------------------------


def test_a_document_of_two_megabytes_is_refused_before_anything_is_written(store, account):
    with pytest.raises(
        DocumentError, match=rf"the document b has 2,1\d\d,\d\d\d bytes, more than the {DOCUMENT_BYTES:,}"
    ):
        store.upsert(C, [document("a"), document("b", text="x" * 2_100_000)])
    assert account.calls == []


@pytest.mark.parametrize("id_", ["a/b", "a\\b", "a?b", "a#b", "a ", "", "ä" * 512])
def test_an_id_that_cosmos_db_refuses_is_refused_here(store, account, id_):
    with pytest.raises(DocumentError, match="can't be an id"):
        store.upsert(C, [document(id_)])
    assert account.calls == []


@given(
    st.lists(st.tuples(st.sampled_from(["acme", "other"]), st.integers(0, 300), st.integers(0, 400_000)), max_size=40)
)
def test_batches_are_of_one_tenant_within_the_limits_and_hold_each_document_once(drawn):
    found = [document(f"{number:03}", tenant, text="x" * length) for tenant, number, length in drawn]
    made = list(batches(found))
    for batch in made:
        assert len({each["tenant"] for each in batch}) == 1 and len(batch) <= 100
        assert len(batch) == 1 or sum(len(json.dumps(each)) for each in batch) <= BATCH_BYTES
    last = {(each["tenant"], each["id"]): each for each in found}
    assert {(each["tenant"], each["id"]): each for batch in made for each in batch} == last
    assert sum(map(len, made)) == len(last)
