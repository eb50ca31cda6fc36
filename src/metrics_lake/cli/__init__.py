"""The command line: one module per command or group of commands, without logic of its own."""

from metrics_lake.cli.app import main

__all__ = ["main"]
