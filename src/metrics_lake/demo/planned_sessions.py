"""Who listens to what, from when, for how long: the plan of sessions, before any line is written.

Grain: one planned session. Catch: sessions of one listener on one stream are kept APART, so that each planned session
is one by the definitions; a session that touches another one's surroundings is left out, not moved.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from metrics_lake.demo import guests, people
from metrics_lake.demo.agents import BROWSERS, REFERRERS
from metrics_lake.demo.cast import TENANTS
from metrics_lake.demo.people import STREAMS
from metrics_lake.demo.traffic_plan import DAY_MS, MINUTE_MS, SECOND_MS, Ints, Plan

# More than gap (60 s), segment extension (10 s) and the slowest answer together.
APART_MS = 150 * SECOND_MS
SLOT_MS = 15 * MINUTE_MS

# Sessions begun per local hour: breakfast, drive time, a quiet night.
WEEKDAY = (2, 1, 1, 1, 2, 5, 10, 15, 13, 9, 7, 7, 8, 7, 7, 8, 10, 10, 7, 6, 7, 6, 4, 3)
WEEKEND = (3, 2, 1, 1, 1, 2, 3, 5, 8, 9, 9, 8, 7, 7, 6, 6, 6, 6, 5, 5, 5, 4, 4, 3)

IS_HLS = np.array([stream.protocol == "hls" for _, stream in STREAMS])
STEP_MS = np.array([stream.segment_seconds * SECOND_MS for _, stream in STREAMS])


def planned(plan: Plan) -> pl.DataFrame:
    """Every session, by start. HLS asks `piece_count` times, once every `step_ms`; Icecast once, its `step_ms` is 0."""
    everyone = people.everyone(plan)
    parts = [_of_tenant(plan, number, everyone) for number in range(len(TENANTS))]
    return _apart(pl.concat([*parts, guests.sessions(plan, len(everyone))])).with_row_index("session_no")


def _apart(sessions: pl.DataFrame) -> pl.DataFrame:
    key = ["listener_no", "stream_no"]
    until = (pl.col("starts_ms") + pl.col("length_ms") + APART_MS).cum_max().shift(1).over(key).fill_null(0)
    in_order = sessions.sort(*key, "starts_ms")
    return in_order.filter(pl.col("starts_ms") >= until).sort("starts_ms", *key)


def _of_tenant(plan: Plan, tenant_no: int, everyone: pl.DataFrame) -> pl.DataFrame:
    draws = plan.draws(2, tenant_no)
    crowd = everyone.filter(pl.col("tenant_no") == tenant_no)
    count = max(len(crowd), round(plan.sessions_per_day * plan.days * TENANTS[tenant_no].share))
    who = _visitors(draws, crowd, count)
    stream_no = _choices(draws, crowd["stream_no"].to_numpy()[who], tenant_no)
    starts_ms = _starts(draws, plan, tenant_no, count)
    # One in 25 soon opens another stream of the same tenant as well.
    both = np.arange(0, count, 25)
    who = np.concatenate([who, who[both]])
    stream_no = np.concatenate([stream_no, _another(stream_no[both], tenant_no)])
    starts_ms = np.concatenate([starts_ms, starts_ms[both] + draws.integers(1, 4 * MINUTE_MS, len(both))])
    return _framed(draws, plan, crowd[who], stream_no, starts_ms)


def _visitors(draws: np.random.Generator, crowd: pl.DataFrame, count: int) -> Ints:
    """Everybody comes once; the rest of the sessions are of those who like to come back."""
    weights = crowd["weight"].to_numpy()
    again = draws.choice(len(crowd), count - len(crowd), p=weights / weights.sum())
    return np.concatenate([draws.permutation(len(crowd)), again])


def _numbers(tenant_no: int) -> Ints:
    return np.array([n for n, (tenant, _) in enumerate(STREAMS) if tenant is TENANTS[tenant_no]])


def _choices(draws: np.random.Generator, favourite: Ints, tenant_no: int) -> Ints:
    strays = draws.random(len(favourite)) < 0.12
    return np.where(strays, draws.choice(_numbers(tenant_no), len(favourite)), favourite)


def _another(stream_no: Ints, tenant_no: int) -> Ints:
    numbers = _numbers(tenant_no)
    another: Ints = numbers[(stream_no - numbers[0] + 1) % len(numbers)]
    return another


def _starts(draws: np.random.Generator, plan: Plan, tenant_no: int, count: int) -> Ints:
    slots = plan.starts_ms + np.arange(0, plan.days * DAY_MS, SLOT_MS)
    zone = ZoneInfo(TENANTS[tenant_no].timezone)
    weights = np.array([_weight(datetime.fromtimestamp(slot // 1000, zone)) for slot in slots.tolist()])
    starts: Ints = draws.choice(slots, count, p=weights / weights.sum()) + draws.integers(0, SLOT_MS, count)
    return starts


def _weight(local: datetime) -> float:
    return WEEKDAY[local.hour] if local.weekday() < 5 else WEEKEND[local.hour] * 0.9


def _framed(
    draws: np.random.Generator, plan: Plan, who: pl.DataFrame, stream_no: Ints, starts_ms: Ints
) -> pl.DataFrame:
    """One row per session, in the columns that `guests.sessions` has too."""
    length_ms = lengths(draws, plan.mean_minutes, IS_HLS[stream_no])
    step_ms = np.where(IS_HLS[stream_no], STEP_MS[stream_no], 0)
    piece_count = np.where(step_ms > 0, np.maximum(1, length_ms // np.maximum(step_ms, 1)), 1)
    is_first, is_dash = draws.random(len(who)) < 0.6, draws.random(len(who)) < 0.5
    return who.select(
        pl.col("listener_no").cast(pl.Int64),
        pl.Series("stream_no", stream_no),
        pl.when(pl.Series(is_first)).then("address").otherwise("other_address").alias("address"),
        pl.when((pl.col("agent") == "") & pl.Series(is_dash)).then(pl.lit("-")).otherwise("agent").alias("agent"),
        pl.Series("referrer", _referrers(draws, who)),
        pl.when(pl.col("agent") == "").then(pl.lit("no_user_agent")).alias("exclusion"),
        pl.Series("starts_ms", starts_ms),
        pl.Series("length_ms", np.where(step_ms > 0, piece_count * step_ms, length_ms)),
        pl.Series("step_ms", step_ms),
        pl.Series("piece_count", piece_count),
        pl.lit(True).alias("has_media"),
    )


def lengths(draws: np.random.Generator, mean_minutes: float, is_hls: npt.NDArray[np.bool_]) -> Ints:
    """Lognormal lengths, ms; Icecast stays on longer: one session in 60 for 5 to 16 hours, one in 600 over a day."""
    count = len(is_hls)
    mean, sigma = np.where(is_hls, mean_minutes, mean_minutes + 25), np.where(is_hls, 1.1, 1.3)
    minutes = np.minimum(draws.lognormal(np.log(mean) - sigma**2 / 2, sigma), 720.0)
    nights, number = draws.uniform(300, 960, count), np.arange(count)
    minutes = np.where(~is_hls & (number % 60 == 11), nights, minutes)
    minutes = np.where(~is_hls & (number % 600 == 71), nights + 1_200, minutes)
    whole: Ints = np.maximum(minutes * MINUTE_MS, 1_500).astype(np.int64)
    return whole


def _referrers(draws: np.random.Generator, who: pl.DataFrame) -> list[str]:
    """Browsers name the page they came from, mostly; of the others one in ten names an app."""
    page = draws.choice(len(REFERRERS) - 1, len(who), p=(0.4, 0.1, 0.15, 0.1, 0.05, 0.2))
    is_app = draws.random(len(who)) < 0.1
    rows = zip(who["tenant_no"], who["agent"], page, is_app, strict=True)
    return [
        REFERRERS[number].format(TENANTS[tenant].key) if agent in BROWSERS else REFERRERS[-1] if app else ""
        for tenant, agent, number, app in rows
    ]
