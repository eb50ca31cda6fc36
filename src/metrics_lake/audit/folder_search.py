"""Searches every byte below some folders for addresses and keys, packed and unpacked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from metrics_lake.audit.file_search import FileSearch, Tools
from metrics_lake.audit.report import Report, judged
from metrics_lake.audit.search_terms import SearchTerms
from metrics_lake.privacy.redaction import without_addresses


def search(roots: Iterable[Path], terms: SearchTerms, *, without: Iterable[Path] = ()) -> Report:
    """The findings of `terms` below `roots` (folders or files), without the files and folders in `without`."""
    began, left_out, tools = time.perf_counter(), {path.resolve() for path in without}, Tools(terms)
    searches = [FileSearch(path, tools).run() for path in sorted(set(_files(roots, left_out)))]
    findings, doubtful = judged([(search.weak, search.expected) for search in searches])
    return Report(
        findings=[finding for search in searches for finding in search.certain.values()] + findings,
        doubtful=doubtful,
        unread=[(without_addresses(str(search.path)), why) for search in searches for why in search.unread],
        file_count=len(searches),
        byte_count=sum(search.size for search in searches),
        unpacked_byte_count=sum(search.unpacked for search in searches),
        address_count=terms.address_count,
        key_count=terms.key_count,
        seconds=time.perf_counter() - began,
    )


def _files(roots: Iterable[Path], left_out: set[Path]) -> Iterator[Path]:
    for root in roots:
        if root.is_file() and root.resolve() not in left_out:
            yield root
        for folder, names, files in os.walk(root):
            names[:] = [name for name in names if Path(folder, name).resolve() not in left_out]
            yield from (
                path for file in files if (path := Path(folder, file)).resolve() not in left_out and path.is_file()
            )
