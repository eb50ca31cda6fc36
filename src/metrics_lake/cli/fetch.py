"""`metrics-lake fetch`: copies reports on app downloads from the app stores into landing, and brings the country file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import From, SettingsChoice, To, takes_settings
from metrics_lake.cli.output.consoles import console
from metrics_lake.config.secrets import store_key
from metrics_lake.config.settings import Settings, SettingsError, load_tenants

if TYPE_CHECKING:
    from metrics_lake.fetch.ledger import Clock, Outcome

_ERR = console(stderr=True)


def register(app: typer.Typer) -> None:
    fetch = typer.Typer(
        no_args_is_help=True,
        help="Copy reports on app downloads from the app stores into landing; bring the country file.",
    )
    fetch.command("app-store")(app_store)
    fetch.command("google-play")(google_play)
    fetch.command("places")(places)
    app.add_typer(fetch, name="fetch")


@takes_settings
def app_store(choice: SettingsChoice, from_: From = None, to: To = None) -> None:
    """Fetch daily sales reports from Apple that are new or have changed: the last days (app_store.days), or --from to --to."""
    from metrics_lake.fetch import app_store_connect as store

    days, settings = options.days(from_, to), choice.load()
    _require(settings, "app_store", ("vendor", "issuer_id", "key_id"))
    key = store_key("APP_STORE", settings.app_store.key_file)
    _report(store.fetch(settings.app_store, key, settings.storage.landing, _clock(), days))


@takes_settings
def google_play(choice: SettingsChoice, from_: From = None, to: To = None) -> None:
    """Fetch monthly install statistics from Google that are new or changed. Give --from and --to to fetch their months."""
    from metrics_lake.fetch import play_console as store

    days, settings = options.days(from_, to), choice.load()
    _require(settings, "google_play", ("bucket",))
    tenants = load_tenants(settings).tenants.values()
    apps = list(dict.fromkeys(app.id for tenant in tenants for app in tenant.apps if app.store == "google"))
    if not apps:
        raise SettingsError(
            f"no tenant in {settings.tenants_file} has an app of the store google; name it under `apps`"
        )
    account = settings.google_play
    key = "" if account.url else store_key("GOOGLE_PLAY", account.key_file)
    bucket = store.client(account, key).bucket(account.bucket)
    months = store.months_of(days) or store.due(account, _clock())
    _report(store.fetch(account, bucket, apps, settings.storage.landing, months))


@takes_settings
def places(
    choice: SettingsChoice,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="A country file in MaxMind's format instead of the free one of npm", metavar="FILE|URL"
        ),
    ] = None,
) -> None:
    """Bring the file that tells the countries of addresses, or its newest version. Waits for no run, and never changes one."""
    from pathlib import Path

    from metrics_lake.fetch import country_file

    with options.working(choice, "fetch places") as (work, steps):
        steps.step("fetching the country file")
        package = country_file.from_place(from_) if from_ else country_file.from_npm()
        folder = Path(work.settings.places.folder)
        file = country_file.install(package, folder, datetime.now(timezone.utc))
    named = work.settings.places.country_file
    lines = [
        f"{file.path}: {'new' if file.is_new else 'unchanged'}, {file.size_bytes / 1e6:.1f} MB, built {file.built_at:%Y-%m-%d}",
        f"from {' '.join(filter(None, (file.source, file.version)))}, licence {file.licence or 'not stated'}",
        f"SHA-256 {file.sha256}",
        *([f"but places.country_file names {named}, which is read instead"] if named else []),
    ]
    for line in lines:
        _ERR.print(line, highlight=False, markup=False, soft_wrap=True)


def _clock() -> Clock:
    from metrics_lake.fetch.ledger import Clock

    return Clock(lambda: datetime.now(timezone.utc), time.sleep)


def _require(settings: Settings, section: str, names: Iterable[str]) -> None:
    missing = [name for name in names if not getattr(getattr(settings, section), name)]
    if missing:
        listed = ", ".join(f"{section}.{name}" for name in missing)
        raise SettingsError(f"not set: {listed}; see {section} in conf/base.yaml for where to find them")


def _report(outcomes: Iterable[Outcome]) -> None:
    """Prints a line for each report when it is done, and at the end how many there were of each kind."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts[outcome.what] += 1
        _ERR.print(f"{outcome.report}: {outcome.what}")
    summary = ", ".join(f"{number} {what}" for what, number in counts.items())
    _ERR.print(summary or "nothing to fetch")
