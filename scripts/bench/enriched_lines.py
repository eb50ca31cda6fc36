"""How much slower lines are read where each listener gets its player, place and source: the worker's part alone, no Spark.

The same lines are read in turns in one run: plain (httplog alone, the hash, streams, runs) and enriched (any format,
players and robots, a file of places and one of networks, referrers). The best turn of each counts. Run with the
project's Python:
    .venv/bin/python scripts/bench/enriched_lines.py [--lines N] [--clients N] [--turns N]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # as in a worker
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import polars as pl

from metrics_lake.config.places import Places
from metrics_lake.config.secrets import read_secret
from metrics_lake.config.settings import Haproxy, Privacy, Rules, Sessions
from metrics_lake.config.tenants import Tenants
from metrics_lake.demo.agents import AGENTS
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import Hasher, canonical
from metrics_lake.sources.haproxy import line_classes, listeners, reading
from metrics_lake.sources.haproxy.captures import layouts_of
from metrics_lake.sources.haproxy.formats import parsing
from metrics_lake.sources.landed_file import FileEntry
from tests.unit.sources import mmdb

SECRET = bytes(range(32)).hex()
FILES, AGENT_COUNT, REFERRER_COUNT, NETWORK_COUNT = 24, 2_000, 3_000, 4_000
TENANTS = {
    "tenants": {
        "acme": {
            "name": "Acme", "timezone": "UTC", "own_sites": ["*.acme.example"],
            "internal_networks": ["10.0.0.0/8"],
            "streams": {
                "live": {"protocol": "hls", "match": {"path": "/acme/live/*"}},
                "fm": {"protocol": "icecast", "match": {"path": "/acme.mp3"}},
            },
        }
    }
}  # fmt: skip


@dataclass(frozen=True)
class LogFile:
    """A file in memory."""

    content: bytes
    true_path: str
    batch_number: int = 1

    @property
    def entry(self) -> FileEntry:
        return FileEntry(self.true_path, len(self.content), hashlib.sha256(self.content).hexdigest(), "")

    def pieces(self) -> Iterator[bytes]:
        yield self.content


def clients(count: int, draws: np.random.Generator) -> pl.DataFrame:
    """Addresses with an agent and a referrer each: a few thousand agents, as their builds make them."""
    shares = np.array([agent.weight for agent in AGENTS])
    kinds = draws.choice(len(AGENTS), AGENT_COUNT, p=shares / shares.sum())
    builds = draws.integers(0, 400, AGENT_COUNT)
    agents = pl.Series([f"{AGENTS[kind].text} b/{build}" for kind, build in zip(kinds, builds, strict=True)])
    hosts = ("www.google.com", "www.acme.example", "l.facebook.com", "forum.example", "tunein.com")
    referrers = pl.Series(["-", *(f"https://{hosts[n % len(hosts)]}/page/{n}?q={n}" for n in range(REFERRER_COUNT))])
    numbers = draws.choice(1 << 24, count, replace=False)
    parts = [(numbers >> shift & 255).astype(str) for shift in (16, 8, 0)]
    address = pl.select(pl.concat_str(pl.lit("81"), *map(pl.Series, parts), separator=".")).to_series()
    came_from = np.where(draws.random(count) < 0.4, 0, draws.integers(0, len(referrers), count))
    return pl.DataFrame(
        {
            "address": address,
            "agent": agents.gather(draws.integers(0, AGENT_COUNT, count)),
            "referrer": referrers.gather(came_from),
        }
    )


def files(lines: int, client_count: int) -> list[LogFile]:
    """Lines of `option httplog`, an hour a file, from so many clients."""
    draws = np.random.default_rng(4)
    who, lines_a_file, logs = clients(client_count, draws), lines // FILES, []
    for hour in range(FILES):
        seconds = np.sort(draws.integers(0, 3_600_000, lines_a_file))
        at = pl.from_epoch(pl.Series(seconds) + 979_516_800_000 + hour * 3_600_000, time_unit="ms")
        frame = who[draws.integers(0, client_count, lines_a_file)].with_columns(
            stamp=at.dt.strftime("%d/%b/%Y:%H:%M:%S%.3f"), segment=pl.Series(seconds // 6000)
        )
        text = pl.format(
            "Jan 15 12:00:00 edge-01 haproxy[1]: {}:4711 [{}] fe be/s1 0/0/1/5/40 200 96000 - - ---- 9/8/7/6/0 0/0 {}",
            "address", "stamp",
            pl.concat_str(
                pl.lit("{stream.acme.example|"), "referrer", pl.lit("|"), "agent", pl.lit('} "GET /acme/live/'), "segment",
                pl.lit('.ts HTTP/1.1"'),
            ),
        )  # fmt: skip
        content = "\n".join(frame.select(text).to_series()) + "\n"
        logs.append(LogFile(content.encode(), f"haproxy/edge-01/haproxy-{hour:02}-00.log"))
    return logs


def places(folder: Path) -> Places:
    """Files of countries and networks for the clients' addresses."""
    networks = [f"81.{n >> 4 & 255}.{(n & 15) << 4}.0/20" for n in range(NETWORK_COUNT)]
    countries = {net: {"country": {"iso_code": ("ZA", "NP", "US", "DE")[n % 4]}} for n, net in enumerate(networks)}
    owners = {
        net: {"autonomous_system_number": 64_500 + n % 50, "autonomous_system_organization": f"Access {n % 50}"}
        for n, net in enumerate(networks)
    }
    files = [
        mmdb.write(folder / f"{name}.mmdb", content)
        for name, content in (("countries", countries), ("networks", owners))
    ]
    return Places(country_file=str(files[0]), network_file=str(files[1]))


@contextmanager
def plain() -> Iterator[None]:
    """Reading without what was added: other formats, agents, places, referrers."""

    def unknown(pairs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
        return pairs.with_columns(
            pl.lit(None, pl.String).alias(name) for name in ("country", "region", "network")
        ).with_columns(is_internal=False)

    def no_agents(texts: pl.Series) -> pl.DataFrame:
        columns = ("player", "player_version", "os", "device", "client_kind")
        return texts.to_frame().with_columns(pl.lit(None, pl.String).alias(name) for name in columns)

    def no_sources(referrers: pl.DataFrame, own: object) -> pl.DataFrame:
        direct = pl.lit("direct")
        return referrers.unique().with_columns(source=direct, source_group=direct)

    with ExitStack() as patches:
        for module, name, instead in (
            (listeners, "_with_location", unknown),
            (listeners.user_agents, "describe", no_agents),
            (listeners.referrers, "describe", no_sources),
            (line_classes.log_lines, "unwrap", lambda lines: lines),
            (
                line_classes,
                "parse_lines",
                lambda lines, haproxy, *_: parsing.parse_httplog(lines, layouts_of(haproxy)),
            ),
            (parsing, "with_tails", lambda read: read),
        ):
            patches.enter_context(mock.patch.object(module, name, instead))
        yield


def seconds(logs: list[LogFile], rules: Rules) -> tuple[float, int]:
    """How long reading takes, and how many requests came out."""
    hasher = Hasher(read_secret(rules.privacy.secret_file), salts.read(rules.privacy.keys_file))
    _forget()
    started = time.perf_counter()
    frames = list(reading.parse(logs, rules, hasher))
    taken = time.perf_counter() - started
    return taken, sum(frame["request_count"].sum() for frame in frames if "request_count" in frame.columns)


def _forget() -> None:
    """As in a worker that is new: nothing is known of any client."""
    listeners.user_agents._CACHE.clear()
    listeners.geo.open_files.cache_clear()
    listeners.geo._is_inside.cache_clear()
    canonical.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    for name, default in (("lines", 1_000_000), ("clients", 20_000), ("turns", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    os.environ["METRICS_LAKE_SECRET"] = SECRET
    logs = files(options.lines, options.clients)
    bare = Rules(
        tenants=Tenants.model_validate(TENANTS),
        haproxy=Haproxy(),
        sessions=Sessions(),
        privacy=Privacy(),
        places=Places(),
    )
    best = {"plain": (float("inf"), 0), "enriched": (float("inf"), 0)}
    with tempfile.TemporaryDirectory() as folder:
        full = bare.model_copy(update={"places": places(Path(folder))})
        for _ in range(options.turns):
            with plain():
                best["plain"] = min(best["plain"], seconds(logs, bare))
            best["enriched"] = min(best["enriched"], seconds(logs, full))
    print(f"{options.lines:,} lines, {options.clients:,} clients, best of {options.turns} turns, one thread")
    for name, (taken, count) in best.items():
        print(f"{name:10}{taken:8.2f} s{count:>12,} requests{options.lines / taken:>12,.0f} lines/s")
    print(f"enriched / plain = {best['enriched'][0] / best['plain'][0]:.2f} (to be at most 1.5)")


if __name__ == "__main__":
    main()
