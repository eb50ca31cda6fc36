"""The head of the rollup JSON: whose figures these are, of which period, how complete, and by which contract."""

from __future__ import annotations

from metrics_lake.model.periods import Period
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup.json_schema import AMOUNT, INSTANT, KIND, NAME, STATUS, TEXT, Schema, record
from metrics_lake.serve.rollup.section import RollupContext
from metrics_lake.serve.sums import Row, rounded

FORMAT = "metrics-lake/rollup/1"


def render(context: RollupContext, stream: str, period: Period, data_status: DataStatus) -> Row:
    """The members before the sections, without `revision` and `generated_at`."""
    return {
        "schema": FORMAT,
        "tenant": context.tenant,
        "stream": stream,
        "period": {
            "kind": period.kind,
            "name": period.name,
            "start": context.local(period.start),
            "end": context.local(period.end),
            "timezone": context.calendar.timezone,
        },
        "status": data_status.status(period.end),
        "complete_through": context.local(min(data_status.complete_through, period.end)),
        "lost_share": rounded(data_status.lost_share(period.start, period.end)),
        "contract": dict(context.contract),
    }


_PERIOD = record(
    {
        "kind": KIND,
        "name": TEXT,
        "start": INSTANT,
        "end": INSTANT,
        "timezone": TEXT,
    }
)
_CONTRACT = record(
    {
        "version": {"const": 1},
        "session_gap_seconds": AMOUNT,
        "minimum_session_seconds": AMOUNT,
        "identity": {"enum": ["ip_user_agent", "ip"]},
        "key_rotation": {"enum": ["never", "yearly", "monthly", "daily"]},
        "timezone": TEXT,
        "bot_rules": TEXT,
        "hash": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
    }
)
_COMPLETE_THROUGH = "Up to when everything has arrived or is given up, at most the period's end"
_LOST_SHARE = (
    "What part of the period's log never arrived: by the numbers of its lines where HAProxy logs them, else by hours"
)
SCHEMA: dict[str, Schema] = {
    "schema": {"const": FORMAT},
    "tenant": NAME,
    "stream": {**NAME, "description": "Name of a stream; * is the tenant as a whole"},
    "period": _PERIOD,
    "status": STATUS,
    "revision": {"type": "integer", "minimum": 1, "description": "Raised when a number changed"},
    "complete_through": {**INSTANT, "description": _COMPLETE_THROUGH},
    "lost_share": {**AMOUNT, "maximum": 1, "description": _LOST_SHARE},
    "generated_at": INSTANT,
    "contract": _CONTRACT,
}
