"""What the rows of a log file depend on beside its bytes: a file that was read by other rules is read again.

Left out is what other stages apply to rows that are in bronze already (gaps of sessions, groups, clocks of tenants, names, apps),
and who listeners are (`privacy`), which a lake never changes (jobs/lake_identity.py).
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources

from metrics_lake.config.settings import Rules
from metrics_lake.config.tenants import Tenant
from metrics_lake.sources.lookups import geo
from metrics_lake.sources.lookups.bots import rules_version

_READ = 1  # raised where the same lines give other rows than before, so that every lake reads its files again
_IRRELEVANT = {"expected_proxies"}


def reading_rules(rules: Rules) -> object:
    """All of it, as JSON can hold it. Lists keep their order where the first match counts.

    Of a country or network file it is which database it is, not its edition: a newer edition counts from the next file on.
    """
    haproxy, places = rules.haproxy.model_dump(mode="json", exclude=_IRRELEVANT), rules.places
    return {
        "read": _READ,
        "haproxy": {**haproxy, "formats": list(haproxy["formats"].items())},
        "tenants": [
            [name, _streams(tenant), list(tenant.internal_networks), list(tenant.own_sites)]
            for name, tenant in rules.tenants.tenants.items()
            if tenant.streams
        ],
        "lookups": [_lists(), rules_version(), *geo.databases(places.country_file, places.network_file)],
    }


def _streams(tenant: Tenant) -> list[tuple[str, object]]:
    return [(name, stream.model_dump(mode="json")) for name, stream in tenant.streams.items()]


@cache
def _lists() -> str:
    """A digest of the lists of players, referrers and networks that this version brings."""
    folder = resources.files("metrics_lake.sources.lookups")
    lists = sorted((file.name, file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".yaml"))
    return sha256(repr(lists).encode()).hexdigest()[:12]
