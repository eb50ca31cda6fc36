"""`metrics-lake COMMAND [--conf DIR] [--env NAME] [--set KEY=VALUE]…`: exit 0 done, 1 failed, 2 wrong usage.

A user's mistake gives one line on stderr that says what to do. Only --debug shows a stack trace.
"""

from __future__ import annotations

import sys
from typing import Annotated

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
    options,
    schedule,
    show,
    tenants,
)
from metrics_lake.cli.output import failures
from metrics_lake.cli.output.consoles import replace_unknown_characters
from metrics_lake.cli.output.progress import IS_QUIET

app = typer.Typer(
    name="metrics-lake",
    help="Exact listening figures for radio from HAProxy logs: who listens, when, where, on what and how long.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress: results, warnings and errors alone. May stand anywhere")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Failures with their stack trace. May stand anywhere")] = False,
) -> None:
    pass


@app.command("help")
def help_(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(help="A command (default: all)", metavar="COMMAND")] = None,
) -> None:
    """Explain a command, as its --help does."""
    app([*(words or ()), "--help"], prog_name=context.find_root().info_name or "", standalone_mode=False)


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
    replace_unknown_characters()
    before = IS_QUIET.set("--quiet" in arguments)
    try:
        words = [word for word in arguments if word not in ("--debug", "--quiet")]
        code = _ended(words, debug="--debug" in arguments)
    finally:
        IS_QUIET.reset(before)
    if code:
        sys.exit(code)


def _ended(arguments: list[str], *, debug: bool) -> int:
    """Runs a command, prints what went wrong, and returns the exit code."""
    try:
        code = app(arguments, prog_name="metrics-lake", standalone_mode=False) or 0
    except options.USAGE_ERROR as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        code = _failed(error, arguments, debug)
    if code == _INTERRUPTED:
        sys.stderr.write("stopped; nothing is half-written, the next run goes on from here\n")
    return int(code)
