"""How long hostile lines take, by their length: the time must grow as the length does.

Each line is sorted out as the one line of a file, once as in a run, where lines over 64 KiB are refused unread, and
once with that limit lifted, so that every pattern sees all of it. Run with the project's Python:
    .venv/bin/python scripts/bench/hostile_lines.py [--most BYTES]
"""

from __future__ import annotations

import argparse
import time

import polars as pl

from metrics_lake.config.places import Places
from metrics_lake.config.settings import Haproxy, Privacy, Rules, Sessions
from metrics_lake.config.tenants import Tenants
from metrics_lake.privacy.hashing import Hasher, masked
from metrics_lake.sources.haproxy import line_classes, log_lines
from metrics_lake.sources.haproxy.clock import FileTimes

HEAD = "192.0.2.7:51520 [15/Jan/2001:16:10:25.353] fe_hls be/srv1 0/0/0/4/4 200 188 - - ---- 1/1/0/0/0 0/0 "
FORMATS = (
    "ts=%Ts.%ms tr=%tr ci=%ci cp=%cp ua=%{+Q}[capture.req.hdr(0)] ref=%{+Q}[capture.req.hdr(1)] st=%ST r=%{+Q}r",
    '{"ts":%Ts,"ci":"%ci","tr":"%tr","ua":"%[capture.req.hdr(0),json(utf8s)]","st":%ST}',
    "%{+E}o %ci:%cp [%tr] %[capture.req.hdr(0)] %ST",
)
HOSTILE = {
    "letters": lambda size: "a" * size,
    "blanks": lambda size: " " * size,
    "quotes": lambda size: '"' * size,
    "braces": lambda size: "{" * size,
    "backslashes": lambda size: "\\" * size,
    "colons and digits": lambda size: "1:" * (size // 2),
    "half an anchor": lambda size: " [15/Jan/2001" * (size // 13),
    "anchors": lambda size: " 1.1.1.1:1 [15/Jan/2001:16:10:25.353] a" * (size // 39),
    "httplog with slashes": lambda size: HEAD.replace("0/0/0/4/4", "0/" * (size // 2)),
    "httplog with captures": lambda size: HEAD + "{" + "|" * size + '} "GET / HTTP/1.1"',
    "httplog with words": lambda size: HEAD + '"GET ' + "a b " * (size // 4),
    "httplog with a tail": lambda size: HEAD + '"GET / HTTP/1.1" ' + "0/" * (size // 2),
    "clf with quotes": lambda size: '192.0.2.7 - - [15/Jan/2001:16:10:25 +0000] "GET / HTTP/1.1" 200 1 ' + '"" ' * (size // 3),
    "key=value": lambda size: "ts=979575025.003 tr=15/Jan/2001:16:10:25.353 ci=192.0.2.7 cp=1 ua=" + '" ref=' * (size // 6),
    "json escapes": lambda size: '{"ts":979575025,"ci":"192.0.2.7","tr":"15/Jan/2001:16:10:25.353","ua":"' + '\\"' * (size // 2),
    "wrapped in itself": lambda size: '{"log":"' * (size // 8),
    "deep json": lambda size: '{"log":"' + '":' + "[" * size,
    "notice": lambda size: "haproxy[1]: " * (size // 12) + "Proxy",
    "syslog headers": lambda size: "<134>1 - - - - - [" * (size // 18),
}  # fmt: skip
TENANTS = {
    "tenants": {"t1": {"name": "T1", "timezone": "UTC", "streams": {"all": {"protocol": "icecast", "match": {}}}}}
}


def seconds(text: str, rules: Rules, hasher: Hasher) -> float:
    """How long one line takes to be classified and masked."""
    start = time.perf_counter()
    frame = log_lines.number_lines({0: text}, {0: 1})
    classified = line_classes.classify_lines(
        frame, rules, hasher, unfinished={0}, files=FileTimes(paths={0: "haproxy/x.log"})
    )
    classified.rejects.select(masked(pl.col("text")))
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1 << 20)
    sizes = [size for size in (1 << 10, 1 << 14, 1 << 17, 1 << 20) if size <= parser.parse_args().most]
    rules = Rules(
        tenants=Tenants.model_validate(TENANTS), haproxy=Haproxy(formats={"*": FORMATS}), sessions=Sessions(),
        privacy=Privacy(), places=Places(),
    )  # fmt: skip
    hasher, limit = Hasher(bytes(range(32))), log_lines.LONGEST
    print(
        f"{'milliseconds a line':24}" + "".join(f"{size:>12,}" for size in sizes) + f"{'in a run':>12}  x for 8 x bytes"
    )
    seconds("", rules, hasher)
    for name, hostile in HOSTILE.items():
        log_lines.LONGEST = 1 << 30
        taken = [min(seconds(hostile(size), rules, hasher) for _ in range(3)) for size in sizes]
        log_lines.LONGEST = limit
        in_a_run = min(seconds(hostile(sizes[-1]), rules, hasher) for _ in range(3))
        growth = f"{taken[-1] / taken[-2]:12.1f}" if len(taken) > 1 else ""
        print(
            f"{name:24}"
            + "".join(f"{duration * 1000:12.2f}" for duration in taken)
            + f"{in_a_run * 1000:12.2f}{growth}"
        )


if __name__ == "__main__":
    main()
