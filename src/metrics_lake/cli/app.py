"""`metrics-lake COMMAND [--conf DIR] [--env NAME] [--set KEY=VALUE]…`: exit 0 done, 1 failed, 2 wrong usage.

A user's mistake is one line on stderr that says what to do; a stack trace comes only with --debug.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from metrics_lake.cli import audit, demo, doctor, downloads, erase, fetch, formats, jobs, listening, schedule, show
from metrics_lake.cli.output import failures

app = typer.Typer(
    name="metrics-lake",
    help="Who listens, when, where, on what, for how long, and how many at once: from HAProxy logs to numbers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# What all errors of wrong usage have in common: of those classes Typer exports this one alone, under every version.
_WRONG_USAGE: Any = typer.BadParameter.__base__
_INTERRUPTED = 130  # what Typer itself ends with after Ctrl-C, under some versions

for noun in (demo, jobs, doctor, show, listening, downloads, audit, formats, erase, fetch, schedule):
    noun.register(app)


def _failed(error: Exception, debug: bool) -> int:
    """Tells of a failure; one that a Ctrl-C brought about, as it breaks the talk with Spark, is a Ctrl-C."""
    if failures.is_interrupt(error):
        return _INTERRUPTED
    told = [failures.story(error)] if debug else failures.lines(error)
    sys.stderr.writelines(f"{line}\n" for line in told)
    return 1


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits with its code; returns where that is 0, since Databricks takes any exit for a failure."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        code = app([a for a in arguments if a != "--debug"], prog_name="metrics-lake", standalone_mode=False)
    except _WRONG_USAGE as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        code = _failed(error, debug)
    if code == _INTERRUPTED:
        sys.stderr.write("stopped; nothing is half-written, the next run goes on from here\n")
    if code:
        sys.exit(code)
