"""Case 24: Cosmos DB that is busy, splits, contests, refuses and cuts, asked by `publish` over a whole lake.

What the client makes of each answer alone is in tests/unit/io/documents/test_cosmos.py. No transactional batches are sent
(DECISIONS.md, 29), so there is none of more than a hundred operations: what is asked by the hundred are ids.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metrics_lake.cli.output.failures import lines
from metrics_lake.io.documents.cosmos import CosmosError
from metrics_lake.io.documents.sizes import DocumentError
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.publish import publish
from metrics_lake.serve import listening
from tests.lake import contents
from tests.lake.faults.conftest import World
from tests.unit.io.cosmos_double import Account, Fault, serving

CREATE, REPLACE, QUERY = "POST document", "PUT document", "query"
SOON = {"x-ms-retry-after-ms": "1"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", base64.b64encode(b"k" * 64).decode())
    with serving() as found:
        yield found


@pytest.fixture
def work(copy: World, account: Account, small_in: Callable[..., JobContext]) -> JobContext:
    cosmos = ("documents.store=cosmos", f"documents.endpoint={account.address}", "documents.database=metrics")
    folder = copy.folder
    return small_in(folder, folder / "landing", folder / "tenants.yaml", *cosmos)


def stored(account: Account) -> list[dict]:
    """What stands in the account, as contents.documents tells of a file of SQLite."""
    held = (each for (tenant, _), each in sorted(account.documents["listening"].items()) if tenant == "acme")
    own = ("generated_at", "revision")
    return [{name: value for name, value in each.items() if name[0] != "_" and name not in own} for each in held]


STORMS = {
    "429 storm": [Fault(429, SOON)] * 40,
    "409 of an answer that was lost, and cut": [Fault(0, is_late=True)] * 2 + [Fault(0)] * 2,
    "410 while a partition is split, 449 and 503": [Fault(code, SOON) for code in (410, 449, 503)],
}


@pytest.mark.parametrize("storm", STORMS)
def test_case_24_a_storm_is_ridden_out_and_publishing_again_writes_nothing(
    work: JobContext, account: Account, clean: World, storm: str
) -> None:
    for kind in (CREATE, QUERY):
        account.faults[kind] = list(STORMS[storm])
    publish(work)
    assert not account.faults[CREATE] and not account.faults[QUERY], "every fault was met"
    assert stored(account) == contents.documents(clean.work.settings, "acme")
    account.calls.clear()
    (Path(work.settings.storage.rollups) / "_published.json").unlink()
    publish(work)
    assert account.of(CREATE) == account.of(REPLACE) == account.of("DELETE document") == 0


def test_case_24_a_storm_that_does_not_end_is_one_line_and_the_next_publish_ends_what_was_begun(
    work: JobContext, account: Account, clean: World
) -> None:
    state = Path(work.settings.storage.rollups) / "_published.json"
    before = json.loads(state.read_bytes())
    account.faults[CREATE] = [Fault(503, SOON)] * 500
    with pytest.raises(CosmosError, match=r"is busy \(503, 6 times\)") as told:
        publish(work)
    left = json.loads(state.read_bytes())
    assert len(list(lines(told.value))) == 1 and left["underway"]
    assert all(left[name] == before[name] for name in ("gold", "batch", "rules", "complete_through"))
    account.faults.clear()
    publish(work)
    assert stored(account) == contents.documents(clean.work.settings, "acme")
    assert "underway" not in json.loads(state.read_bytes())


def test_case_24_a_document_that_another_publisher_changed_meanwhile_is_looked_at_again(
    work: JobContext, account: Account, clean: World
) -> None:
    publish(work)
    for document in account.documents["listening"].values():
        document["peak_listeners"] = 99
    account.faults[REPLACE] = [Fault(412)] * 3
    (Path(work.settings.storage.rollups) / "_published.json").unlink()
    publish(work)
    assert stored(account) == contents.documents(clean.work.settings, "acme")
    assert {each["revision"] for each in account.documents["listening"].values()} == {2}


def test_case_24_a_document_beyond_two_megabytes_is_refused_by_its_name_here_or_there(
    work: JobContext, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.faults[CREATE] = [Fault(413)] * 8
    with pytest.raises(CosmosError, match="finds a document too large: more than 2 MB"):
        publish(work)
    account.faults.clear()
    made = listening.day_document
    monkeypatch.setattr(listening, "day_document", lambda *of: {**made(*of), "note": "x" * 2_100_000})
    with pytest.raises(DocumentError, match=r"the document \S+:day:20\d\d-\d\d-\d\d has 2,1\d\d,\d\d\d bytes"):
        publish(work)
