"""Options that commands share, and the settings that follow from them."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from metrics_lake.cli.output.consoles import console
from metrics_lake.cli.output.progress import Steps, shown
from metrics_lake.config.settings import Settings, load, load_tenants
from metrics_lake.config.tenants import Tenant

if TYPE_CHECKING:
    from metrics_lake.jobs.context import JobContext

Conf = Annotated[str | None, typer.Option("--conf", help="Folder with the settings (default: conf)", metavar="DIR")]
Env = Annotated[
    str | None,
    typer.Option("--env", help="Environment: its file NAME.yaml overrides base.yaml (default: local)", metavar="NAME"),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Override one setting, such as sessions.gap_seconds=30. Can be repeated", metavar="KEY=VALUE"
    ),
]
From = Annotated[str | None, typer.Option("--from", help="First day, such as 2026-11-01", metavar="DAY")]
To = Annotated[str | None, typer.Option("--to", help="Last day (included)", metavar="DAY")]


# The base class of all usage errors: BadParameter is the only one of them that every version of Typer exports.
USAGE_ERROR: Any = typer.BadParameter.__base__

TenantName = Annotated[str | None, typer.Option("--tenant", help="Tenant, as named in tenants.yaml", metavar="T")]


class Format(str, Enum):
    table = "table"
    csv = "csv"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="Output format")]


@dataclass(frozen=True)
class SettingsChoice:
    """Which settings a command line names."""

    conf: str | None = None
    env: str | None = None
    overrides: tuple[str, ...] = ()

    def load(self) -> Settings:
        return load(self.conf, self.env, self.overrides)

    @property
    def words(self) -> list[str]:
        """The same choice on the command line of another process."""
        named = (("--conf", self.conf), ("--env", self.env), *(("--set", text) for text in self.overrides))
        return [word for option, value in named if value for word in (option, value)]


_SETTINGS_OPTIONS = {"conf": Conf, "env": Env, "set_": Set}


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options --conf, --env and --set at its end; it gets them as one `choice`, before all else."""

    @functools.wraps(command)
    def with_options(conf: str | None, env: str | None, set_: list[str] | None, **own: Any) -> None:
        command(SettingsChoice(conf, env, tuple(set_ or ())), **own)

    hints = get_type_hints(command, include_extras=True)
    own = [parameter.replace(annotation=hints[name]) for name, parameter in signature(command).parameters.items()][1:]
    common = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=hint)
        for name, hint in _SETTINGS_OPTIONS.items()
    ]
    with_options.__signature__ = Signature([*own, *common])  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *common)}
    return with_options


Columns = Annotated[
    str | None, typer.Option("--columns", help="Only these columns, separated by commas", metavar="NAMES")
]
Wide = Annotated[
    bool, typer.Option("--wide", help="Show all columns in full, even if lines become wider than the terminal")
]


def columns(text: str | None, names: Sequence[str]) -> list[str]:
    """The columns that --columns names, in its order; all where it is not given."""
    chosen = [name.strip() for name in text.split(",")] if text else list(names)
    for name in chosen:
        known(name, names, "--columns")
    return list(dict.fromkeys(chosen))


def day(text: str | None, option: str) -> date | None:
    """Parses the day of an option; raises a usage error if it is not a day."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it as 2026-11-22", param_hint=option) from None


def days(from_: str | None, to: str | None) -> tuple[date, ...]:
    """The days from the first to the last, both included. Empty if neither is given."""
    first, last = day(from_, "--from"), day(to, "--to")
    if first is None and last is None:
        return ()
    if first is None or last is None:
        raise typer.BadParameter("give both --from and --to, or neither")
    if last < first:
        raise typer.BadParameter(f"--to {last} lies before --from {first}")
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def known(name: str | None, names: Sequence[str], option: str) -> None:
    """Checks that a name is one of several; raises a usage error that says which is nearest."""
    if name is not None and name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        nearest = f"; nearest: {near[0]}" if near else ""
        raise typer.BadParameter(f"there is no {name!r}{nearest} (all: {', '.join(names)})", param_hint=option)


def given(value: str | None, option: str, advice: str = "") -> str:
    """The value of an option that is needed; raises a usage error if it is missing."""
    if value is None:
        raise USAGE_ERROR(f"Missing option '{option}'{advice}.")
    return value


def given_tenant(settings: Settings, name: str | None) -> str:
    """The tenant that an option names; where it is missing the usage error names all tenants."""
    names = ", ".join(load_tenants(settings).tenants) if name is None else ""
    return given(name, "--tenant", f"; there are: {names}")


def tenant_of(settings: Settings, name: str) -> Tenant:
    """The tenant of an option; raises a usage error that names the tenants."""
    tenants = load_tenants(settings).tenants
    known(name, tuple(tenants), "--tenant")
    return tenants[name]


def time_zones(settings: Settings) -> dict[str, str]:
    """The time zone of each tenant."""
    return {name: tenant.timezone for name, tenant in load_tenants(settings).tenants.items()}


@contextmanager
def working(choice: SettingsChoice, doing: str, *, is_anew: bool = False) -> Iterator[tuple[JobContext, Steps]]:
    """Opens the lake, locks it for this command, and shows the command's steps on stderr.

    `is_anew`: see JobContext.create.
    """
    from metrics_lake.jobs.context import JobContext

    loaded = choice.load()
    with shown(console(stderr=True)) as steps:
        work = JobContext.create(loaded, steps.step, is_anew=is_anew)
        with work.lock(doing):
            yield work, steps
