"""The commands that fetch: the stores' reports of app downloads into landing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import From, SettingsChoice, To, takes_settings
from metrics_lake.secrets import store_key
from metrics_lake.settings import Settings, SettingsError, load_tenants

if TYPE_CHECKING:
    from metrics_lake.fetch.landed import Outcome, World

_ERR = Console(stderr=True)


def register(app: typer.Typer) -> None:
    fetch = typer.Typer(no_args_is_help=True, help="The stores' reports of app downloads, into landing.")
    fetch.command("app-store")(app_store)
    fetch.command("google-play")(google_play)
    app.add_typer(fetch, name="fetch")


@takes_settings
def app_store(choice: SettingsChoice, from_: From = None, to: To = None) -> None:
    """Apple's daily sales reports that were not fetched yet. With --from and --to those days, whether fetched or not."""
    from metrics_lake.fetch import app_store as store

    days, settings = options.days(from_, to), choice.load()
    _wanted(settings, "app_store", ("vendor", "issuer_id", "key_id"))
    key = store_key("APP_STORE", settings.app_store.key_file)
    _tell(store.fetch(settings.app_store, key, settings.storage.landing, _world(), days))


@takes_settings
def google_play(choice: SettingsChoice, from_: From = None, to: To = None) -> None:
    """Google's monthly statistics of installs that are new or were rewritten. With --from and --to those days' months."""
    from metrics_lake.fetch import google_play as store

    days, settings = options.days(from_, to), choice.load()
    _wanted(settings, "google_play", ("bucket",))
    tenants = load_tenants(settings).tenants.values()
    apps = list(dict.fromkeys(app.id for tenant in tenants for app in tenant.apps if app.store == "google"))
    if not apps:
        raise SettingsError(
            f"no tenant in {settings.tenants_file} has an app of the store google; name it under `apps`"
        )
    wanted = settings.google_play
    key = "" if wanted.url else store_key("GOOGLE_PLAY", wanted.key_file)
    bucket = store.client(wanted, key).bucket(wanted.bucket)
    months = store.months_of(days) or store.due(wanted, _world())
    _tell(store.fetch(wanted, bucket, apps, settings.storage.landing, months))


def _world() -> World:
    from metrics_lake.fetch.landed import World

    return World(lambda: datetime.now(timezone.utc), time.sleep)


def _wanted(settings: Settings, section: str, names: Iterable[str]) -> None:
    missing = [name for name in names if not getattr(getattr(settings, section), name)]
    if missing:
        listed = ", ".join(f"{section}.{name}" for name in missing)
        raise SettingsError(f"not set: {listed}; see {section} in conf/base.yaml for where to find them")


def _tell(outcomes: Iterable[Outcome]) -> None:
    """A line for each report as soon as it is known, and their number at the end."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts[outcome.what] += 1
        _ERR.print(f"{outcome.report}: {outcome.what}", highlight=False)
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    _ERR.print(told or "nothing to fetch: every report of these days is here", highlight=False)
