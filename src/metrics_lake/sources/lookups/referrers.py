"""The source of a listener: the referrer's host, and its group. Path and query are never stored.

`source` is the host as the browser sent it, or the app's own name, so that a figure can be checked against a referrer;
only `source_group` interprets it. A host that is or contains an address could identify a person: it becomes `(address)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import polars as pl
import yaml

from metrics_lake.config.tenants import Globs

DIRECT, SEARCH, SOCIAL, OWN, APP, OTHER = "direct", "search", "social", "own site", "app", "other"
ADDRESS = "(address)"
GROUPS = (DIRECT, SEARCH, SOCIAL, OWN, APP, OTHER)
_LONGEST = 253  # characters of a host name, RFC 1035
_URL = re.compile(r"([a-z][a-z0-9+.-]{0,31})://(?:[^/?#@\s]*@)?(\[[^\]]*\]|[^/?#:\s]*)", re.I)
_NAME = re.compile(r"(?=.*[a-z])[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.I)
_NUMBERS = re.compile(  # addresses as text, as one number, in hex, and as providers write them in host names
    r"\d{1,3}(?:[._-]\d{1,3}){3}|\[|0x[0-9a-f]{8}|[0-9a-f]{1,4}(?:-[0-9a-f]{0,4}){5}"
    r"|(?<![0-9a-z])(?:\d{8,10}|[0-9a-f]{8})(?![0-9a-z])",
    re.I,
)
_APPS = ("android-app", "ios-app")
_NONE = ("", "-", "null", "undefined", "about:blank", "about:client", "about:srcdoc")


def source(referrer: str | None, own_sites: Sequence[str] = ()) -> tuple[str, str]:
    """(source, source_group) of a Referer header as it was sent. `own_sites` are globs on hosts.

    A value that isn't a URL with a host (`-`, `about:blank`, nonsense) is `direct`.
    """
    url_match = _URL.match((referrer or "").strip())
    if url_match is None or (referrer or "").strip().lower() in _NONE:
        return DIRECT, DIRECT
    scheme, host = url_match[1].lower(), url_match[2].lower().rstrip(".")
    if scheme in _APPS:
        return (host, _app_group(host)) if _is_name(host) and not _NUMBERS.search(host) else (OTHER, APP)
    if scheme not in ("http", "https"):
        return DIRECT, DIRECT
    if _NUMBERS.search(host):
        return ADDRESS, OTHER
    if not _is_name(host):
        return DIRECT, DIRECT
    return host, OWN if _fits(host, tuple(own_sites)) else _group(host)


def describe(referrers: pl.DataFrame, own_sites: Mapping[str, Globs]) -> pl.DataFrame:
    """One row per distinct (tenant, referer), with source and source_group. `own_sites` by tenant."""
    distinct = referrers.select("tenant", "referer").unique(maintain_order=True)
    rows = [(tenant, text, *source(text, own_sites.get(tenant, ()))) for tenant, text in distinct.iter_rows()]
    columns = ("tenant", "referer", "source", "source_group")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _is_name(host: str) -> bool:
    return len(host) <= _LONGEST and _NAME.fullmatch(host) is not None


@lru_cache(maxsize=16384)
def _group(host: str) -> str:
    return next(
        (group for group in (SEARCH, SOCIAL, APP) if _fits(host, _globs(group, "hosts"), is_listed=True)), OTHER
    )


@lru_cache(maxsize=16384)
def _app_group(name: str) -> str:
    return next((group for group in (SEARCH, SOCIAL) if _fits(name, _globs(group, "apps"))), APP)


@cache
def _globs(group: str, key: str) -> tuple[str, ...]:
    lists: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("referrers.yaml").read_text("utf-8"))
    return tuple(lists[group].get(key, ()))


def _fits(host: str, globs: tuple[str, ...], *, is_listed: bool = False) -> bool:
    """Whether a host matches one of the globs, with or without `www.` before it."""
    pattern = _pattern(globs, is_listed)
    return bool(pattern.fullmatch(host) or pattern.fullmatch(host.removeprefix("www.")))


@lru_cache(maxsize=1024)
def _pattern(globs: tuple[str, ...], is_listed: bool) -> re.Pattern[str]:
    """Globs as one regular expression. In globs of the built-in list, a final `.*` is one top-level domain, such as `.co.za`."""
    endings = [
        (glob[:-2], r"\.[a-z]{2,10}(?:\.[a-z]{2,3})?") if is_listed and glob.endswith(".*") else (glob, "")
        for glob in globs
    ]
    return re.compile("|".join(re.escape(start).replace(r"\*", ".*") + end for start, end in endings) or "(?!)", re.I)
