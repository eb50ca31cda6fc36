"""`metrics-lake erase` and `erase listener`: keys destroyed for good, and one person out of all that was kept.

Who is asked for comes from a file or a pipe: words on a command line can be seen by everybody on the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import From, SettingsChoice, To, takes_settings
from metrics_lake.settings import Settings, SettingsError

if TYPE_CHECKING:
    from metrics_lake.audit import Report
    from metrics_lake.jobs.erasing import Erased, Held
    from metrics_lake.jobs.work import Work
    from metrics_lake.sources.haproxy.asked import Ids

_ERR = Console(stderr=True)
Tenant = Annotated[str, typer.Option("--tenant", help="Whose listeners", metavar="T")]


def register(app: typer.Typer) -> None:
    erase = typer.Typer(help="A key, or a listener, for good.")
    erase.callback(invoke_without_command=True)(epoch)
    erase.command("listener")(listener)
    app.add_typer(erase, name="erase")


@takes_settings
def epoch(
    choice: SettingsChoice,
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose listeners", metavar="T")] = None,
    epoch: Annotated[
        str | None, typer.Option("--epoch", help="Such as 2026, 2026-11 or 2026-11-22; * is all", metavar="E")
    ] = None,
) -> None:
    """Destroys the key of a tenant's epoch, and says what can no longer be linked; `erase listener` takes one person out."""
    from metrics_lake import keys

    if context.invoked_subcommand:
        return
    if tenant is None or epoch is None:
        raise typer.BadParameter(
            "say whose key and of when: --tenant T --epoch E; or `erase listener`, to erase a person"
        )
    privacy = choice.load().privacy
    now = datetime.now(timezone.utc)
    Console().print(keys.erase(privacy.keys_file, tenant, epoch, rotation=privacy.key_rotation, at=now).text)


@takes_settings
def listener(
    choice: SettingsChoice,
    tenant: Tenant,
    who: Annotated[
        str | None,
        typer.Option("--who", help="File with an address and its user agent a line [default: stdin]", metavar="FILE"),
    ] = None,
    from_: From = None,
    to: To = None,
) -> None:
    """Takes a listener out of tables, figures, rollups and documents; exit 1 if a search then finds any byte of it."""
    from metrics_lake.catalog import stored
    from metrics_lake.jobs import erasing
    from metrics_lake.sources.haproxy import asked

    days = options.days(from_, to)
    settings = choice.load()
    people = asked.read(_lines(who), is_hashed=settings.haproxy.address_mode == "hashed")
    with options.working(choice, "erase") as (work, steps):
        _known(work, tenant)
        ids = erasing.ids(work, people, tenant, days)
        held = erasing.held(work, ids.every)
        _tell_held(ids, held)
        done = erasing.erase(work, tenant, held.ids, stored())
        steps.step("searching for what is left")
        report = _left(settings, ids.current | held.ids | done.marks)
    _tell(done, held, report)
    if not report.is_clean:
        raise typer.Exit(1)


def _lines(who: str | None) -> Iterable[str]:
    if who:
        try:
            return Path(who).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            raise SettingsError("--who: there is no such file") from None
    if sys.stdin.isatty():
        raise SettingsError("say who by a pipe or with --who FILE: what is typed here could be read over the shoulder")
    return sys.stdin.read().splitlines()


def _known(work: Work, tenant: str) -> None:
    tenants = work.tenants.tenants
    if tenant not in tenants:
        raise SettingsError(f"no tenant {tenant!r} in {work.settings.tenants_file}; there are: {', '.join(tenants)}")


def _left(settings: Settings, ids: Iterable[str]) -> Report:
    """What of the ids is left in lakes (those that rebuild set aside, too), rollups and documents."""
    from metrics_lake import audit
    from metrics_lake.cli.screens.privacy_search import written

    lake = Path(settings.storage.lake)
    with written(settings) as stored:
        roots = [*stored, *lake.parent.glob(f"{lake.name}.before-*")]
        return audit.search([root for root in roots if root.exists()], audit.needles(keys=_named(ids)))


def _named(ids: Iterable[str]) -> dict[str, bytes]:
    return {f"listener {number}": bytes.fromhex(each) for number, each in enumerate(sorted(ids))}


def _tell_held(ids: Ids, held: Held) -> None:
    """Before anything goes: what can't be found, and which landing files have the lines."""
    if ids.destroyed:
        _say(f"the keys of {', '.join(ids.destroyed)} are destroyed: nobody can tell who listened then")
    for path in held.files:
        _say(f"{path}: has lines of this listener; delete it, or they come back with `rebuild` or when it changes")
    if held.files:
        _say("`upkeep` deletes landing files past `upkeep.landing_days`")


def _tell(done: Erased, held: Held, report: Report) -> None:
    from metrics_lake.cli.screens.privacy_search import tell

    if held.ids:
        _say(
            f"{done.visits} visits and {done.sessions} sessions taken out, {done.published.written} rollups written anew"
        )
    else:
        _say("nothing is held of this listener: no visit and no session under any key there is")
    if report.is_clean:
        _say(f"no byte of the ids is left in {report.file_count:,} files ({report.byte_count:,} bytes)")
    else:
        _say("not all is gone: see the files below; delete an old lake (`.before-N`), or `metrics-lake rebuild`")
        tell(report, _ERR)


def _say(text: str) -> None:
    _ERR.print(text, highlight=False, markup=False, soft_wrap=True)
