"""The documents of app downloads that a tenant's rollups show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.periods import Period
from metrics_lake.serve import downloads
from metrics_lake.serve.sums import Row


def of_periods(work: JobContext, tenant: str, periods: Sequence[Period]) -> Callable[[Period], list[Row]]:
    """Reads the documents of all these periods at once; the answer gives those of any one of them."""
    first_on = min(period.first_on for period in periods)
    end_on = max(period.end_on for period in periods)
    store, by_day = open_document_store(work.settings), dict[str, list[Row]]()
    for app in work.tenants.tenants[tenant].apps:
        low, high = downloads.ids_between(app.store, app.id, first_on.isoformat(), end_on.isoformat())
        for document in store.between(downloads.CONTAINER, tenant, low, high):
            by_day.setdefault(document["date"], []).append(document)
    return lambda period: [document for on in period.days for document in by_day.get(on.isoformat(), ())]
