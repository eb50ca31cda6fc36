"""Reports of stores into silver.downloads: months that changed, or all where the choice of a column changed with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.config.settings import digest
from metrics_lake.config.tenants import App
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.arrow import polars_schema
from metrics_lake.silver import download_columns as columns
from metrics_lake.silver import downloads as silver

_EVERY_MONTH, _CHOSEN = "month IS NOT NULL", "columns"
_REJECT = pl.col("row_kind") == "reject"


@dataclass(frozen=True)
class Due:
    """What to refine: batches after `since` (0: everything) up to `through`, for `apps`, under `settled` rules."""

    since: int
    through: int
    apps: Sequence[tuple[str, str, str, str | None]]
    settled: str


def apps_of(context: JobContext) -> list[tuple[str, str, str, str | None]]:
    """Each tenant's apps, as rows of silver's APPS: for Apple one per vendor."""
    return [
        (name, app.store, app.id, vendor)
        for name, tenant in context.tenants.tenants.items()
        for app in tenant.apps
        for vendor in _vendors(app, context.settings.app_store.vendor)
    ]


def _vendors(app: App, default: str) -> Sequence[str | None]:
    return (app.vendor or (default or None,)) if app.store == "apple" else (None,)


def refine(context: JobContext, *, days: Sequence[date] = ()) -> bool:
    """Updates silver.downloads to the newest batch; false if nothing is due.

    `days` add nothing: the rows of a day change only with its reports, or with the tenants' apps.
    """
    apps, through = apps_of(context), context.intake(bronze.FEED).committed
    last, settled = context.commit_log.last(silver.TABLE), digest([silver.MEANING, apps])
    since = last.progress.watermark[bronze.TABLE.name] if last and last.progress.rules == settled else 0
    if since >= through or not (apps or last):
        return False
    context.on_step("sorting out reports of stores")
    _replace_months(context, Due(since, through, apps, settled))
    return True


def _replace_months(context: JobContext, due: Due) -> None:
    """Replaces the months of new reports; every month where other columns count as downloads than did before."""
    days = _days(context, due)
    months = months_of(days)
    unchosen = rows_of_months(context, due, months)
    choice = columns.choose_columns(pl.concat([_unchanged(context, months), unchosen]) if due.since else unchosen)
    last = context.commit_log.last(silver.TABLE)
    if due.since and last and last.progress.more.get(_CHOSEN) != choice:
        _replace_months(context, replace(due, since=0))
        return
    rows = columns.with_chosen_column(unchosen, choice).select(silver.TABLE.names)
    read = {bronze.TABLE.name: due.through}
    progress = Progress("downloads", read, due.settled, tuple(on.isoformat() for on in days), {_CHOSEN: choice})
    context.delta_tables.replace(silver.TABLE, rows, in_months(months) if due.since else _EVERY_MONTH, progress)


def rows_of_months(context: JobContext, due: Due, months: Iterable[str]) -> pl.DataFrame:
    """Rows of silver.downloads of these months, as yet without a choice of columns."""
    named = named_apps(due.apps)
    nothing = pl.DataFrame(schema=polars_schema(silver.TABLE))
    return pl.concat(
        [nothing, *(silver.report_figures(reports_of(context, month, due.through), named) for month in months)]
    )


def named_apps(apps: Sequence[tuple[str, str, str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(apps, silver.APPS, orient="row")


def reports_of(context: JobContext, month: str, through: int) -> pl.DataFrame:
    """What bronze has of a month: rows and files of its days, and rejects, of which some name no day."""
    first_on = date.fromisoformat(f"{month}-01")
    end_on = (first_on + timedelta(days=31)).replace(day=1)
    is_of_month = (pl.col("downloaded_on") >= first_on) & (pl.col("downloaded_on") < end_on)
    return context.delta_tables.frame(bronze.TABLE, (is_of_month | _REJECT) & (pl.col("batch_number") <= through))


def months_in(context: JobContext) -> list[str]:
    """Every month of which bronze has a report."""
    days = context.delta_tables.frame(bronze.TABLE, pl.col("downloaded_on").is_not_null() & ~_REJECT, ["downloaded_on"])
    return months_of(days["downloaded_on"].unique().to_list())


def months_of(days: Iterable[date]) -> list[str]:
    return sorted({f"{on:%Y-%m}" for on in days})


def in_months(months: Sequence[str]) -> str:
    return f"month IN ({', '.join(map(repr, months))})" if months else "FALSE"


def _days(context: JobContext, due: Due) -> list[date]:
    is_new = (pl.col("batch_number") > due.since) & (pl.col("batch_number") <= due.through)
    known = pl.col("downloaded_on").is_not_null()
    new = context.delta_tables.frame(bronze.TABLE, known & is_new, ["downloaded_on"])
    days: list[date] = new["downloaded_on"].unique().sort().to_list()
    return days


def _unchanged(context: JobContext, months: Sequence[str]) -> pl.DataFrame:
    """The rows of silver.downloads of all other months."""
    return context.delta_tables.frame(silver.TABLE, ~pl.col("month").is_in(months))
