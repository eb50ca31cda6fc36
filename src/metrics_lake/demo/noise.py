"""The lines of a log that are no listening: checks, errors, broken and doubled lines, notices, streams that nobody claims.

Nothing here is evidence of a session by the definitions, though much of it names a tenant's stream and every address is
a listener's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from metrics_lake.demo.line_text import instant
from metrics_lake.demo.traffic_plan import DAY_MS, HOUR_MS, MINUTE_MS, Plan


@dataclass(frozen=True)
class Noise:
    """A kind of line; `head` ends before the connection counts; `is_doubled`: `log-separate-errors` wrote it twice."""

    weight: float
    total_ms: int
    head: str
    captures: str
    request: str
    is_doubled: bool = False

    @property
    def rest(self) -> str:
        """The line after its `[instant] `; no request, no more than the head."""
        if not self.request:
            return self.head
        captures = f"{self.captures} " if self.captures else ""
        return f'{self.head} 24/13/1/0/0 0/0 {captures}"{self.request}"'


_CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
_PHONE = "stagefright/1.2 (Linux;Android 9)"
_PODCAST = "Podcasts/1650.20 CFNetwork/1496.0.7 Darwin/23.5.0"
_BROKEN = "-1/-1/-1/-1/0 400 0 - - PR--"

HEALTH = Noise(1, 1, "fe_hls bk_web/web1 0/0/0/0/1 200 136 - - ----", "{127.0.0.1:18080||}", "HEAD /health HTTP/1.1")
KINDS = (
    Noise(10, 1, "fe_hls bk_hls/web2 0/0/0/0/1 404 283 - - ----", f"{{stream.acme.example||{_PHONE}}}",
          "GET /acme/live/media-b96_1.ts HTTP/1.1"),
    Noise(4, 1, "fe_hls bk_hls/web1 0/0/0/0/1 404 283 - - ----", f"{{stream.acme.example||{_PHONE}}}",
          "GET /acme/old/index.m3u8 HTTP/1.1"),
    Noise(4, 2, "fe_icecast bk_icecast/ice1 0/0/0/2/2 404 362 - - ----",
          f"{{ice.hudson.example||{_PHONE}}} {{text/html|}}", "GET /jazz.mp3 HTTP/1.1"),
    Noise(4, 3, "fe_hls bk_hls/web1 0/0/0/1/3 200 489 - - ----", f"{{stream.ghost.example||{_CHROME}}}",
          "GET /ghost/live/index.m3u8 HTTP/1.1"),
    Noise(4, 90, "fe_hls bk_hls/web2 0/0/0/1/90 200 72131 - - ----", f"{{stream.ghost.example||{_CHROME}}}",
          "GET /ghost/live/media-b96_77.ts HTTP/1.1"),
    Noise(3, 812, "fe_hls bk_web/web1 0/0/0/4/812 200 9120334 - - ----", f"{{media.acme.example||{_PODCAST}}}",
          "GET /podcasts/episode-12.mp3 HTTP/1.1"),
    Noise(5, 2, "fe_tls~ bk_web/web1 0/0/0/2/2 200 731 - - ----",
          f"{{main.hudson.example|https://www.hudson.example/listen-live|{_CHROME}}}",
          "GET https://main.hudson.example/nowplaying.json HTTP/2.0"),
    Noise(3, 4, "fe_icecast bk_icecast/ice1 0/0/0/4/4 200 1422 - - ----",
          f"{{listen.himal.example||{_CHROME}}} {{application/json|}}", "GET /status-json.xsl HTTP/1.1"),
    Noise(3, 1, "fe_tls~ bk_hls/web1 0/0/0/1/1 204 201 - - ----",
          f"{{stream.acme.example|https://www.acme.example/|{_CHROME}}}",
          "OPTIONS https://stream.acme.example/acme/live/index.m3u8 HTTP/2.0"),
    Noise(3, 1, "fe_hls bk_hls/web2 0/0/0/1/1 200 301 - - ----", "{listen.himal.example||curl/7.88.1}",
          "HEAD /himal/live/index.m3u8 HTTP/1.1"),
    Noise(2, 3, "fe_icecast bk_icecast/ice1 0/0/0/3/3 400 345 - - ----",
          "{listen.himal.example||VLC/3.0.20 LibVLC/3.0.20} {text/html|}", "HEAD /himal/live.mp3 HTTP/1.1"),
    Noise(2, 0, "fe_hls fe_hls/<NOSRV> 0/-1/-1/-1/0 302 109 - - LR--", f"{{stream.acme.example||{_CHROME}}}",
          "GET /acme/live/ HTTP/1.1"),
    Noise(2, 2002, "fe_hls bk_hls/web1 0/0/-1/-1/2002 503 217 - - SC--", "{classical.hudson.example||okhttp/4.9.3}",
          "GET /hls/index.m3u8 HTTP/1.1", is_doubled=True),
    Noise(3, 0, f"fe_hls fe_hls/<NOSRV> {_BROKEN}", "", "<BADREQ>", is_doubled=True),
    Noise(2, 0, f"fe_icecast fe_icecast/<NOSRV> {_BROKEN}", "", "<BADREQ>"),
    Noise(2, 0, "fe_tls/1: SSL handshake failure", "", ""),
)  # fmt: skip

DOWN = (
    'Server bk_hls/web1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. '
    "1 active and 0 backup servers left. 3 sessions active, 0 requeued, 0 remaining in queue."
)
UP = (
    "Server bk_hls/web1 is UP, reason: Layer4 check passed, check duration: 0ms. "
    "2 active and 0 backup servers online. 0 sessions requeued, 0 total in queue."
)
STOPPED = "Proxy fe_hls stopped (cumulated conns: FE: 336, BE: 0)."
# A reload as the day ends, and a web server that was away for twenty seconds.
NOTICES = ((DAY_MS - 1_000, STOPPED), (4 * HOUR_MS + 720_000, DOWN), (4 * HOUR_MS + 740_000, UP))


def messages(plan: Plan, addresses: pl.Series, count: int) -> pl.DataFrame:
    """All noise of the plan: checks, notices, and `count` requests from these addresses; as `lines.messages` does."""
    everything = pl.concat([_requests(plan, addresses, count), _checks(plan), _notices(plan)])
    return everything.filter(pl.col("ended_ms") < plan.ends_ms)


def _requests(plan: Plan, addresses: pl.Series, count: int) -> pl.DataFrame:
    draws = plan.draws(3)
    weights = np.array([kind.weight for kind in KINDS])
    kind = draws.choice(len(KINDS), count, p=weights / weights.sum())
    drawn = pl.DataFrame(
        {
            "accepted_ms": draws.integers(plan.starts_ms, plan.ends_ms, count),
            "address": addresses.gather(draws.integers(0, len(addresses), count)),
            "port": draws.integers(32_768, 60_999, count),
            "total_ms": np.array([kind.total_ms for kind in KINDS])[kind],
            "rest": pl.Series([kind.rest for kind in KINDS]).gather(kind),
            "is_doubled": np.array([kind.is_doubled for kind in KINDS])[kind],
        }
    )
    return _doubled(_as_messages(drawn), drawn["is_doubled"])


def _as_messages(requests: pl.DataFrame) -> pl.DataFrame:
    message = pl.format("{}:{} [{}] {}", "address", "port", instant("accepted_ms"), "rest")
    return requests.select(
        "accepted_ms", (pl.col("accepted_ms") + pl.col("total_ms")).alias("ended_ms"), message.alias("message")
    )


def _doubled(messages: pl.DataFrame, is_doubled: pl.Series) -> pl.DataFrame:
    return pl.concat([messages, messages.filter(is_doubled)])


def _checks(plan: Plan) -> pl.DataFrame:
    """The load balancer's own neighbour asks every minute whether all is well."""
    instants = np.arange(plan.starts_ms + 7_383, plan.ends_ms, MINUTE_MS)
    ports = 32_768 + instants // MINUTE_MS % 28_000
    checks = pl.DataFrame({"accepted_ms": instants, "port": ports, "total_ms": np.full(len(instants), HEALTH.total_ms)})
    return _as_messages(checks.with_columns(pl.lit("10.0.0.2").alias("address"), pl.lit(HEALTH.rest).alias("rest")))


def _notices(plan: Plan) -> pl.DataFrame:
    """Lines that are no requests; each occurs twice."""
    days = range(plan.starts_ms, plan.ends_ms, DAY_MS)
    rows = [(day + offset, day + offset, text) for day in days for offset, text in NOTICES]
    notices = pl.DataFrame(rows, schema=["accepted_ms", "ended_ms", "message"], orient="row")
    return pl.concat([notices, notices])
