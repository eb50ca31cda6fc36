"""`metrics-lake erase` destroys keys, `erase listener` deletes the data of one person.

The person's address comes from a file or a pipe, because everybody on the machine can see the words of a command line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import From, SettingsChoice, To, takes_settings
from metrics_lake.cli.output.confirm import DryRun, Yes, confirmed
from metrics_lake.cli.output.consoles import console, write_line
from metrics_lake.config.settings import Settings, SettingsError

if TYPE_CHECKING:
    from metrics_lake.audit import Report
    from metrics_lake.jobs.context import JobContext
    from metrics_lake.jobs.maintain.erase import Erased, Stored
    from metrics_lake.sources.haproxy.erasure_request import ListenerIds

_ERR = console(stderr=True)
Tenant = Annotated[str, typer.Option("--tenant", help="Tenant, as named in tenants.yaml", metavar="T")]


def register(app: typer.Typer) -> None:
    erase = typer.Typer(
        help="Destroy the key of a tenant's epoch, or delete the data of one listener or tenant. This can't be undone."
    )
    erase.callback(invoke_without_command=True)(epoch)
    erase.command("listener")(listener)
    erase.command("tenant")(tenant)
    app.add_typer(erase, name="erase")


@takes_settings
def epoch(
    choice: SettingsChoice,
    context: typer.Context,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Tenant, as named in tenants.yaml", metavar="T")
    ] = None,
    epoch: Annotated[
        str | None,
        typer.Option(
            "--epoch", help="Epoch of the key, such as 2026, 2026-11 or 2026-11-22. Use * for all", metavar="E"
        ),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Destroy the key of a tenant's epoch, so that nobody can link its listeners any more. This can't be undone."""
    from metrics_lake.privacy import salts

    if context.invoked_subcommand:
        return
    if tenant is None or epoch is None:
        raise typer.BadParameter(
            "say whose key and of when: --tenant T --epoch E; or `erase listener`, to erase a person"
        )
    settings = choice.load()
    privacy = settings.privacy
    salts.check(privacy.keys_file, tenant, epoch, rotation=privacy.key_rotation)
    if not confirmed(_epoch_lines(settings, tenant, epoch), yes=yes, dry_run=dry_run):
        return
    now = datetime.now(timezone.utc)
    console().print(salts.erase(privacy.keys_file, tenant, epoch, rotation=privacy.key_rotation, at=now).text)


@takes_settings
def listener(
    choice: SettingsChoice,
    tenant: Tenant,
    who: Annotated[
        str | None,
        typer.Option(
            "--who", help="File with an address and a user agent per line (default: standard input)", metavar="FILE"
        ),
    ] = None,
    from_: From = None,
    to: To = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete one listener's data from tables, figures, rollups and documents. Exit code 1 if a search still finds it."""
    from metrics_lake.catalog import stored
    from metrics_lake.jobs.maintain import erase
    from metrics_lake.sources.haproxy import erasure_request

    days = options.days(from_, to)
    settings = choice.load()
    people = erasure_request.read(_lines(who), is_hashed=settings.haproxy.address_mode == "hashed")
    with options.working(choice, "erase") as (work, steps):
        _check_tenant(work, tenant)
        ids = erase.ids(work, people, tenant, days)
        stored_data = erase.stored(work, ids.every)
        _report_stored(ids, stored_data)
        touched = (f"{stored_data.visits} visits and {stored_data.sessions} sessions of {tenant} are deleted for good",)
        with steps.paused():
            if stored_data.ids and not confirmed(touched, yes=yes, dry_run=dry_run):
                return
        done = erase.erase(work, tenant, stored_data.ids, stored())
        steps.step("searching for what is left")
        report = _search_rest(settings, ids.current | stored_data.ids | done.marks)
    _report_erased(done, stored_data, report)
    if not report.is_clean:
        raise typer.Exit(1)


@takes_settings
def tenant(
    choice: SettingsChoice,
    name: Annotated[str, typer.Argument(help="Tenant that tenants.yaml no longer names", metavar="NAME")],
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete all that the lake has of a tenant which was taken out of tenants.yaml: visits, sessions and figures."""
    from metrics_lake.catalog import stored
    from metrics_lake.jobs.maintain.erase_tenant import erase_tenant, rows_of
    from metrics_lake.jobs.publish import publish_downloads
    from metrics_lake.jobs.publish.publish import publish

    with options.working(choice, "erase") as (work, steps):
        rows = rows_of(work, name, stored())
        if not rows:
            raise SettingsError(
                f"the lake {work.settings.storage.lake} has no row of a tenant {name!r}; nothing was changed"
            )
        with steps.paused():
            touched = (f"{count} rows of {name} are deleted from {table} for good" for table, count in rows.items())
            if not confirmed(touched, yes=yes, dry_run=dry_run):
                return
        erase_tenant(work, name, stored(), rows)
        publish_downloads.publish(work)
        publish(work)
    _print_line(f"{sum(rows.values())} rows of {name} deleted; its lines in landing stay until you delete them")


def _epoch_lines(settings: Settings, tenant: str, epoch: str) -> Iterable[str]:
    """How much was published of the epoch, from the documents: this needs no lake."""
    from metrics_lake.config.tenants import ALL_STREAMS
    from metrics_lake.io.documents.open_store import open_document_store
    from metrics_lake.serve.listening import CONTAINER

    start = f"{ALL_STREAMS}:day:{'' if epoch == '*' else epoch}"
    days = open_document_store(settings).between(CONTAINER, tenant, start, f"{start}~")
    count = sum(day["total_sessions"] for day in days)
    every = "every epoch" if epoch == "*" else epoch
    yield f"the key of {tenant} for {every} is destroyed for good"
    yield f"{len(days)} days with {count} sessions are published of it, and stay"


def _lines(who: str | None) -> Iterable[str]:
    if who:
        try:
            return Path(who).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            raise SettingsError("--who: there is no such file") from None
    if sys.stdin.isatty():
        raise SettingsError("say who by a pipe or with --who FILE: what is typed here could be read over the shoulder")
    return sys.stdin.read().splitlines()


def _check_tenant(work: JobContext, tenant: str) -> None:
    tenants = work.tenants.tenants
    if tenant not in tenants:
        raise SettingsError(f"no tenant {tenant!r} in {work.settings.tenants_file}; there are: {', '.join(tenants)}")


def _search_rest(settings: Settings, ids: Iterable[str]) -> Report:
    """Searches lakes (those that rebuild replaced, too), rollups and documents for the ids."""
    from metrics_lake import audit
    from metrics_lake.cli.screens.privacy_search import written

    lake = Path(settings.storage.lake)
    with written(settings) as places:
        roots = [*places, *lake.parent.glob(f"{lake.name}.before-*")]
        return audit.search([root for root in roots if root.exists()], audit.search_terms(keys=_search_terms(ids)))


def _search_terms(ids: Iterable[str]) -> dict[str, bytes]:
    return {f"listener {number}": bytes.fromhex(id_) for number, id_ in enumerate(sorted(ids))}


def _report_stored(ids: ListenerIds, stored_data: Stored) -> None:
    """Prints, before anything is deleted, what can't be found and which landing files have lines of the listener."""
    if ids.destroyed:
        _print_line(f"the keys of {', '.join(ids.destroyed)} are destroyed: nobody can tell any more who listened then")
    for path in stored_data.files:
        _print_line(
            f"{path}: has lines of this listener; delete the file, or the data comes back with `rebuild` or when the file changes"
        )
    if stored_data.files:
        _print_line("`upkeep` deletes landing files past `upkeep.landing_days`")


def _report_erased(done: Erased, stored_data: Stored, report: Report) -> None:
    from metrics_lake.cli.screens.privacy_search import write_report

    if stored_data.ids:
        _print_line(
            f"{done.visits} visits and {done.sessions} sessions deleted, {done.published.written} rollups written again"
        )
    else:
        _print_line("there is no data of this listener: no visit and no session under any key that exists")
    if report.is_clean:
        _print_line(f"no byte of the ids is left in {report.file_count:,} files ({report.byte_count:,} bytes)")
    else:
        _print_line(
            "data of this listener is left in the files below: delete an old lake (`.before-N`), or run `metrics-lake rebuild`"
        )
        write_report(report, _ERR)


def _print_line(text: str) -> None:
    write_line(_ERR, text)
