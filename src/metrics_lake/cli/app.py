"""`metrics-lake COMMAND [--conf DIR] [--env NAME] [--set KEY=VALUE]…`: exit 0 done, 1 failed, 2 wrong usage.

A user's mistake gives one line on stderr that says what to do. Only --debug shows a stack trace.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from metrics_lake import __version__
from metrics_lake.cli import (
    audit,
    demo,
    doctor,
    downloads,
    erase,
    extras,
    fetch,
    formats,
    jobs,
    listening,
    look,
    schedule,
    show,
    tenants,
)
from metrics_lake.cli.output import failures

app = typer.Typer(
    name="metrics-lake",
    help="Exact listening figures for radio from HAProxy logs: who listens, when, where, on what and how long.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# The base class of all usage errors: BadParameter is the only one of them that every version of Typer exports.
_WRONG_USAGE: Any = typer.BadParameter.__base__
_INTERRUPTED = 130  # the exit code after Ctrl-C, as some versions of Typer return it themselves


def _print_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"metrics-lake {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version_: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


for noun in (demo, look, tenants, jobs, doctor, show, listening, downloads, audit, formats, erase, fetch, schedule):
    noun.register(app)


def _failed(error: Exception, arguments: list[str], debug: bool) -> int:
    """Prints a failure and returns the exit code. Ctrl-C can break the connection to Spark: such an error counts as Ctrl-C."""
    if failures.is_interrupt(error):
        return _INTERRUPTED
    missing = extras.advice(error, arguments)
    lines = [failures.stack_trace(error)] if debug else [missing] if missing else failures.lines(error)
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits with its code. It returns if that is 0, because Databricks takes every exit for a failure."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug, arguments = "--debug" in arguments, [a for a in arguments if a != "--debug"]
    try:
        code = app(arguments, prog_name="metrics-lake", standalone_mode=False)
    except _WRONG_USAGE as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        code = _failed(error, arguments, debug)
    if code == _INTERRUPTED:
        sys.stderr.write("stopped; nothing is half-written, the next run goes on from here\n")
    if code:
        sys.exit(code)
