"""`listening` and `downloads` without a tenant: which tenants there are, their streams and apps, and the published days."""

from __future__ import annotations

from datetime import datetime, timedelta

from rich.console import Console

from metrics_lake.cli.output.layout import from_rows, table
from metrics_lake.config.settings import Settings, load_tenants
from metrics_lake.config.tenants import ALL_STREAMS, Tenant
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.serve.listening import CONTAINER, id_of


def write_tenants(settings: Settings, command: str, console: Console) -> None:
    """The tenants, and an example of the command for the first one that has figures."""
    tenants = load_tenants(settings).tenants
    days = {name: published_days(settings, name) for name in tenants}
    rows = [(name, *_words(tenant), " to ".join(days[name] or ("nothing yet",))) for name, tenant in tenants.items()]
    console.print(table(from_rows(("tenant", "clock", "streams", "apps", "published"), rows), console.width))
    for name, ends in days.items():
        if ends:
            example = f"metrics-lake {command} --tenant {name} --from {ends[0]} --to {ends[1]}"
            return console.print(f"\nfor example: {example}", soft_wrap=True)


def published_days(settings: Settings, tenant: str) -> tuple[str, str] | None:
    """The first and the last day with listening figures of a tenant; None if nothing is published."""
    id_ = id_of(ALL_STREAMS, "all", "all")
    documents = open_document_store(settings).between(CONTAINER, tenant, id_, id_)
    if not documents:
        return None
    calendar = load_tenants(settings).tenants[tenant].calendar
    ends = (documents[0]["begins_at"], documents[0]["ends_at"])
    start, end = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in ends)
    return str(calendar.day_of(start)), str(calendar.day_of(end - timedelta(microseconds=1)))


def _words(tenant: Tenant) -> tuple[str, str, str]:
    return tenant.timezone, ", ".join(tenant.streams), ", ".join(app.name for app in tenant.apps)
