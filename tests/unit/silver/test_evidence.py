"""From lines of a log to sessions: what shows listening, whose it is, and what isn't known of the client."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.config.settings import Rules, Sessions
from metrics_lake.silver import sessions
from metrics_lake.silver.merging import READ, merged
from metrics_lake.sources.lookups.bots import kinds
from tests.unit.examples import examples
from tests.unit.reference import merged as plainly_merged
from tests.unit.silver.test_merging import NOTHING_YET
from tests.unit.sources.haproxy.logs import NOON, SECRET, InMemoryFile, line, parse, rules_of, text

START = NOON.replace(tzinfo=timezone.utc)
BY_ADDRESS = {"privacy": {"identity": "ip"}}
VLC, MPV, BOT, MONITOR = "VLC/3.0.20", "mpv 0.35.0", "SearchBot/2.1", "UptimeRobot/2.0"
_CONNECTION_GAP = 5


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def evidence(*files: Sequence[str], rules: Rules | None = None) -> pl.DataFrame:
    """The runs of files that show listening."""
    arrived = [
        InMemoryFile(text(lines), path=f"haproxy/edge-01/{number}.log") for number, lines in enumerate(files) if lines
    ]
    return parse(*arrived, rules=rules).frame.filter(row_kind="visit", is_evidence=True).select(READ)


def held(*files: Sequence[str], rules: Rules | None = None) -> list[tuple[int, int, str | None, str]]:
    """Sessions in order: start and end in seconds after noon, exclusion, player."""
    found = merged(evidence(*files, rules=rules), Sessions()).sort("started_at", "ended_at", "exclusion", "player")
    return [
        (*((at - START).total_seconds() for at in row[:2]), *row[2:])
        for row in found.select("started_at", "ended_at", "exclusion", "player").rows()
    ]


def connection(at: float, takes: float, agent: str | None, *, captures: str | None = None, **more: str) -> str:
    """A line of an Icecast stream; `captures` as they stand, else the agent's, and none of them where it is None."""
    captured = captures if captures is not None else "" if agent is None else f"{{{agent}}}"
    made = line(at, "/acme.mp3", timers=f"0/0/0/0/{round(takes * 1000)}", captures=captured, **more)
    return made.replace("  ", " ")


def test_a_frontend_without_captures_has_listeners_of_an_unknown_kind() -> None:
    assert held([connection(0, 60, None)]) == [(0, 60, None, "unknown")]
    segment = line(0, captures="").replace("  ", " ")
    assert held([segment]) == [(0, pytest.approx(6.04), None, "unknown")]


@pytest.mark.parametrize(
    "captures",
    ["{}", "{} {}", "{h.example|https://r.example/|-}", "{h.example|https://r.example/|} {text/html}", "{#20}"],
)
def test_who_sends_no_agent_where_the_log_has_a_place_for_it_is_left_out(captures: str) -> None:
    assert held([connection(0, 60, None, captures=captures)]) == [(0, 60, "no_user_agent", "other")]


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        (("-", None), (None, "unknown")),
        ((None, "-"), (None, "unknown")),
        (("-", "-"), ("no_user_agent", "other")),
        ((None, None), (None, "unknown")),
    ],
)
def test_one_request_of_which_the_agent_is_unknown_is_enough_for_a_session_to_count(agents, expected) -> None:
    lines = [connection(10 * at, 30, agent) for at, agent in enumerate(agents)]
    for files in ([lines], [lines[:1], lines[1:]], [lines[1:], lines[:1]]):
        assert held(*files) == [(0, 40, *expected)]


def test_by_the_address_alone_a_session_is_described_by_the_first_agent_that_is_named() -> None:
    lines = [connection(0, 60, "-"), connection(1, 2, None), connection(20, 1, VLC), connection(30, 1, MPV)]
    for files in ([lines], [lines[:2], lines[2:]], [[each] for each in reversed(lines)]):
        assert held(*files, rules=rules_of(**BY_ADDRESS)) == [(0, 60, None, "VLC")]


@pytest.mark.parametrize(("first", "second"), [(VLC, BOT), (BOT, VLC), (MONITOR, VLC), (BOT, MONITOR), ("-", BOT)])
def test_behind_one_address_bots_have_sessions_of_their_own(first: str, second: str) -> None:
    lines = [connection(0, 60, first), connection(30, 1, second)]
    spans = [(0, 60, first), (30, 31, second)]
    expected = [
        (start, end, kinds([agent])[0] or ("no_user_agent" if agent == "-" else None)) for start, end, agent in spans
    ]
    for files in ([lines], [lines[:1], lines[1:]], [lines[1:], lines[:1]]):
        assert [row[:3] for row in held(*files, rules=rules_of(**BY_ADDRESS))] == expected


def test_a_bot_and_a_person_who_start_at_one_instant_have_sessions_of_different_ids() -> None:
    lines = [connection(0, 60, VLC), connection(0, 60, BOT)]
    found = merged(evidence(lines, rules=rules_of(**BY_ADDRESS)), Sessions())
    assert found["session_id"].n_unique() == found["listener_id"].n_unique() == 2


THREE = {"captures": {"fe": ["host", "referer", "user_agent"]}}  # of one line nothing shows what an empty capture is


@dataclass(frozen=True)
class Request:
    """A connection, and the files that its line is in."""

    at: int
    takes: int
    agent: str | None
    address: str
    referer: str
    files: frozenset[int]

    @property
    def line(self) -> str:
        captures = "" if self.agent is None else f"{{h.example|{self.referer}|{self.agent}}}"
        return connection(self.at, self.takes, self.agent, captures=captures, address=self.address)

    @property
    def whose(self) -> tuple[str, str | None]:
        return self.address, kinds([self.agent or ""])[0]


_REQUESTS = st.lists(
    st.builds(
        Request,
        at=st.integers(0, 120),
        takes=st.integers(0, 30),
        agent=st.sampled_from([VLC, MPV, BOT, MONITOR, "-", None]),
        address=st.sampled_from(["192.0.2.7", "192.0.2.8"]),
        referer=st.sampled_from(["", "https://a.example/", "https://b.example/"]),
        files=st.frozensets(st.integers(0, 3), min_size=1),
    ),
    min_size=1,
    max_size=14,
)


def _expected(requests: Iterable[Request]) -> list[tuple[int, int, str | None]]:
    """The rule in the plainest Python: one merge for each address, and each kind of client behind it."""
    requests, found = list(requests), []
    for whose in {request.whose for request in requests}:
        mine = [each for each in requests if each.whose == whose]
        for start, end in plainly_merged([(each.at, each.at + each.takes) for each in mine], _CONNECTION_GAP):
            agents = {each.agent for each in mine if start <= each.at <= end}
            found.append((start, end, whose[1] or ("no_user_agent" if agents == {"-"} else None)))
    return sorted(found, key=repr)


def _spans(found: pl.DataFrame) -> list[tuple[int, int, str | None]]:
    rows = found.select("started_at", "ended_at", "exclusion").rows()
    return sorted(((_second(start), _second(end), exclusion) for start, end, exclusion in rows), key=repr)


def _second(at: datetime) -> int:
    return (at - START) // timedelta(seconds=1)


@settings(max_examples=examples(12), deadline=None)
@given(_REQUESTS, st.integers(0, 99))
def test_however_a_log_is_split_repeated_and_shuffled_an_address_has_the_same_sessions_and_bots_their_own(
    requests: list[Request], seed: int
) -> None:
    rules, dice = rules_of(**BY_ADDRESS, haproxy=THREE), random.Random(seed)
    files = [[each.line for each in requests if number in each.files] for number in range(4)]
    for lines in files:
        dice.shuffle(lines)
    dice.shuffle(files)
    whole = merged(evidence([each.line for each in requests], rules=rules), Sessions()).sort("session_id")
    assert _spans(whole) == _expected(requests)
    split = evidence(*files, rules=rules)
    assert merged(split, Sessions()).sort("session_id").equals(whole)
    standing = NOTHING_YET
    names = split["file_id"].unique(maintain_order=True).to_list()
    for number, name in enumerate(names):
        runs = split.filter(pl.col("file_id").is_in(names[: number + 1]))
        changes = sessions.rebuilt(runs.with_columns(is_due=pl.col("file_id") == name), standing, Sessions())
        inserted, deleted = (changes.filter(change=kind).drop("change") for kind in (sessions.INSERT, sessions.DELETE))
        standing = pl.concat([standing.join(deleted, on="session_id", how="anti"), inserted.select(standing.columns)])
    assert standing.sort("session_id").equals(whole.select(standing.columns))
