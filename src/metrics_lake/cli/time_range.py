"""A time range from options: days with the last included, or whole hours of the tenant's clock with the end excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import typer

from metrics_lake.model.periods import Calendar

_EXAMPLES = "write a day as 2026-11-22, an hour as 2026-11-22T18:00"


@dataclass(frozen=True)
class TimeRange:
    """Two days, or two hours. An hour without a time zone is on the tenant's clock."""

    first: date
    last: date
    new_since: date | None = None

    def between(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """Start and end as instants, the end excluded."""
        if isinstance(self.first, datetime) and isinstance(self.last, datetime):
            start, end = _hour(self.first, calendar, "--from"), _hour(self.last, calendar, "--to")
        else:
            start, end = calendar.day_start(self.first), calendar.day_start(self.last + timedelta(days=1))
        if end <= start:
            raise typer.BadParameter(f"--to {self.last} lies before --from {self.first}, or is the same hour")
        if self.new_since and calendar.day_start(self.new_since) >= start:
            raise typer.BadParameter(
                f"{self.new_since} has to lie before --from {self.first}", param_hint="--new-since"
            )
        return start, end


def time_range(from_: str, to: str, new_since: str | None = None) -> TimeRange:
    first, last = _parsed(from_, "--from"), _parsed(to, "--to")
    if isinstance(first, datetime) != isinstance(last, datetime):
        raise typer.BadParameter("give two days, or two hours: --to of a day is included, of an hour it is not")
    since = _parsed(new_since, "--new-since") if new_since else None
    if isinstance(since, datetime):
        raise typer.BadParameter(f"{new_since!r} is no day; {_EXAMPLES}", param_hint="--new-since")
    return TimeRange(first, last, since)


def _parsed(text: str, option: str) -> date:
    try:
        if "T" in text or " " in text:
            return datetime.fromisoformat(text.replace("Z", "+00:00"))
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day or hour; {_EXAMPLES}", param_hint=option) from None


def _hour(at: datetime, calendar: Calendar, option: str) -> datetime:
    """The instant at which an hour of the tenant starts. Raises a usage error within an hour: no bucket ends there."""
    instant = (at if at.tzinfo else at.replace(tzinfo=calendar.zone)).astimezone(timezone.utc)
    if instant not in {hour.start for hour in calendar.hours(calendar.day_of(instant))}:
        raise typer.BadParameter(f"{at:%Y-%m-%dT%H:%M} is not on the hour of {calendar.timezone}", param_hint=option)
    return instant
