"""The command line: thin words around the jobs, the tables and the documents."""

from metrics_lake.cli.app import main

__all__ = ["main"]
