"""Clients that request a stream and must not count: probe, preview, crawler, relay, the studio's own player.

Each comes at the same hours every day, hours apart, so that its sessions never touch.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.demo.agents import GUESTS, Guest
from metrics_lake.demo.cast import TENANTS
from metrics_lake.demo.people import STREAMS
from metrics_lake.demo.traffic_plan import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Plan


def sessions(plan: Plan, first_listener_no: int) -> pl.DataFrame:
    """Every visit of every guest, in the columns of the planned sessions."""
    visits: list[dict[str, object]] = []
    for tenant_no in range(len(TENANTS)):
        for guest_no, guest in enumerate(GUESTS):
            listener_no = first_listener_no + tenant_no * len(GUESTS) + guest_no
            network = "10.20" if guest.is_internal else "203.0"
            address = f"{network}.{113 + tenant_no}.{20 + guest_no}"
            visits += [
                _visit(guest, tenant_no, listener_no, address, start) for start in _starts(plan, guest, listener_no)
            ]
    return pl.DataFrame(visits)


def _starts(plan: Plan, guest: Guest, listener_no: int) -> list[int]:
    """Evenly over each day, from an hour of the guest's own, some seconds off the minute."""
    first = plan.starts_ms + (1 + listener_no % 5) * HOUR_MS + listener_no * 7_919 % MINUTE_MS
    apart = DAY_MS // guest.per_day
    return [first + visit * apart for visit in range(plan.days * guest.per_day)]


def _visit(guest: Guest, tenant_no: int, listener_no: int, address: str, start: int) -> dict[str, object]:
    tenant = TENANTS[tenant_no]
    number, stream = next((n, s) for n, (t, s) in enumerate(STREAMS) if t is tenant and s.protocol == guest.protocol)
    is_hls = guest.protocol == "hls"
    step = (guest.step_seconds or stream.segment_seconds) * SECOND_MS if is_hls else 0
    length = round(guest.minutes * MINUTE_MS)
    return {
        "listener_no": listener_no,
        "stream_no": number,
        "address": address,
        "agent": guest.agent,
        "referrer": "",
        "exclusion": guest.exclusion,
        "starts_ms": start,
        "length_ms": length,
        "step_ms": step,
        "piece_count": max(1, length // step) if is_hls else 1,
        "has_media": guest.has_media,
    }
