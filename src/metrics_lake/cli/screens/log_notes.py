"""What to say of log files that count, though perhaps not for the proxy or the hour that people think."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl
from rich.console import Console

from metrics_lake.bronze.haproxy import FILES
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.sources.file_names import is_of_unknown_kind
from metrics_lake.sources.haproxy.proxies import FOLDER, FOLDER_OVER_HOSTS, NO_NAME
from metrics_lake.sources.landed_file import EMPTY, READ

_SEE = "(docs/formats.md)"
_COLUMNS = ("path", "status", "proxy", "proxy_reason", "header_hosts")


def write(lake: str, after: int, console: Console) -> None:
    """Prints a line for each thing to say of the files in the batches after `after`."""
    files = DeltaTables(lake).frame(FILES, pl.col("batch_number") > after, _COLUMNS)
    for line in [*several_hosts(files), *unknown_names(files)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def several_hosts(files: pl.DataFrame) -> Iterator[str]:
    """Of folders that count as one proxy, and whose lines have headers of several hosts, in one file or in several."""
    of_folders = files.filter(pl.col("proxy_reason").is_in([FOLDER, FOLDER_OVER_HOSTS])).explode("header_hosts")
    hosts = of_folders.group_by("proxy").agg(pl.col("header_hosts").drop_nulls().n_unique())
    folders = hosts.filter(pl.col("header_hosts") > 1)["proxy"].sort().to_list()
    if folders:
        yield (
            f"headers in {_named(folders, 'folder')} name several hosts, and all count for the folder: if it is not one "
            f"machine's, set haproxy.proxy_from: header, and `run` {_SEE}"
        )


def without_name(files: pl.DataFrame) -> Iterator[str]:
    """Of files that name no proxy."""
    paths = files.filter(proxy_reason=NO_NAME, status=READ)["path"].unique().sort().to_list()
    if paths:
        yield (
            f"no machine is named by folder or header of {_named(paths, 'file')}, which count as one proxy: with several "
            f"proxies give each a folder of its own {_SEE}"
        )


def unknown_names(files: pl.DataFrame) -> Iterator[str]:
    """Of names that have a number which may be an hour, and not where names have it."""
    read = files.filter(pl.col("status").is_in([READ, EMPTY]))["path"].unique().sort()
    paths = [path for path in read if is_of_unknown_kind(path)]
    if paths:
        yield (
            f"no hour is known by the name of {_named(paths, 'file')}: lines alone tell it, and an empty file counts "
            f"for none; an hour stands right behind its date, as in haproxy-20261122-17.log {_SEE}"
        )


def _named(names: Iterable[str], noun: str) -> str:
    """The names, or how many they are and one of them."""
    first, *others = names
    return f"{len(others) + 1:,} {noun}s (such as {first})" if others else f"the {noun} {first}"
