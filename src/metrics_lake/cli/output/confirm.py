"""Asks before what can't be undone: shows what it touches, and needs a yes, or `--yes` where nobody can be asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

Yes = Annotated[bool, typer.Option("--yes", help="Don't ask, do it. Needed where there is no terminal to ask at")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be touched; change nothing")]


def confirmed(touched: Iterable[str], *, yes: bool, dry_run: bool) -> bool:
    """Writes what is touched to stderr, a line each; whether to go on. A usage error where nobody can be asked."""
    sys.stderr.writelines(f"{line}\n" for line in touched)
    if dry_run:
        sys.stderr.write("a dry run: nothing was changed\n")
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "nobody can be asked here: add it to go on, or --dry-run to see only what is touched", param_hint="--yes"
        )
    if not typer.confirm("Go on?", err=True):
        sys.stderr.write("nothing was changed\n")
        return False
    return True
