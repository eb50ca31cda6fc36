"""The error that is stated for estimated listeners holds, over many ranges against exact counts."""

from __future__ import annotations

import base64
import random
from datetime import timedelta

import numpy as np
import pytest
from datasketches import update_theta_sketch

from metrics_lake.serve import uniques
from metrics_lake.serve.uniques import RELATIVE_ERROR, Union, crosses_epoch, new_and_returning
from tests.unit.drawing import utc
from tests.unit.examples import examples
from tests.unit.serve.test_listening import a_day

DAYS, LISTENERS = 60, 60_000


@pytest.fixture(scope="module")
def heard() -> np.ndarray:
    """Which listener was there on which day: some nearly always, most now and then."""
    dice = np.random.default_rng(2001)
    fidelity = dice.beta(0.4, 4, LISTENERS)
    return dice.random((DAYS, LISTENERS)) < fidelity


@pytest.fixture(scope="module")
def documents(heard) -> list[dict]:
    made = []
    for there in heard:
        sketch = update_theta_sketch(12)
        for listener in np.flatnonzero(there):
            sketch.update(f"{listener:032x}")
        made.append({**a_day(), "unique_listeners": int(there.sum()), "unique_sketch": as_text(sketch)})
    return made


COUNT = examples(300)


def as_text(sketch) -> str:
    return base64.b64encode(sketch.compact().serialize()).decode()


def test_over_random_ranges_the_stated_error_holds(heard, documents):
    dice, errors, outside = random.Random(15), [], 0
    for _ in range(COUNT):
        first, last = sorted(dice.sample(range(DAYS + 1), 2))
        exact = int(heard[first:last].any(axis=0).sum())
        got = uniques.count(documents[first:last])
        assert got["method"] == "theta" or got["value"] == exact
        errors.append(got["value"] / exact - 1)
        outside += abs(errors[-1]) > 2 * got["relative_error"]
    assert np.sqrt(np.mean(np.square(errors))) <= RELATIVE_ERROR
    assert max(map(abs, errors)) <= 3 * RELATIVE_ERROR and outside <= COUNT // 20


def test_over_random_pairs_of_ranges_the_error_stated_for_new_listeners_holds(heard, documents):
    dice, scores = random.Random(16), []
    for _ in range(COUNT // 3):
        since, first, last = sorted(dice.sample(range(DAYS + 1), 3))
        before, now = heard[since:first].any(axis=0), heard[first:last].any(axis=0)
        got, back = new_and_returning(
            uniques.count(documents[first:last]), Union(documents[first:last]), Union(documents[since:first])
        )
        exact = int((now & ~before).sum())
        assert (
            got["method"] == "theta" and back["value"] + got["value"] == uniques.count(documents[first:last])["value"]
        )
        scores.append((got["value"] - exact) / max(got["relative_error"] * got["value"], 1))
        assert abs(back["value"] - int((now & before).sum())) <= 4 * back["relative_error"] * max(back["value"], 1) + 1
    assert np.sqrt(np.mean(np.square(scores))) <= 1.3 and max(map(abs, scores)) <= 4


def test_a_difference_of_few_is_exact():
    now, before = [a_day(listeners="abcd")], [a_day(listeners="bcx")]
    new, returning = new_and_returning(uniques.count(now), Union(now), Union(before))
    assert (new["value"], returning["value"], new["method"], returning["method"]) == (2, 2, "exact", "exact")


def test_where_nobody_was_there_before_everybody_is_new():
    now = [a_day(listeners=range(20_000))]
    new, returning = new_and_returning(uniques.count(now), Union(now), Union())
    assert new["value"] + returning["value"] == 20_000 and new["value"] > 19_000


@pytest.mark.parametrize(("start", "end", "rotation", "crosses"), [
    ("2001-01-15 22:00", "2001-01-16 22:00", "never", False), ("2001-01-15 22:00", "2001-01-16 22:00", "daily", True),
    ("2001-01-15 00:00", "2001-01-16 00:00", "daily", False), ("2001-01-31 23:00", "2001-02-01 01:00", "monthly", True),
    ("2001-01-01 00:00", "2002-01-01 00:00", "yearly", False), ("2001-01-01 00:00", "2002-01-01 00:00", "monthly", True),
])  # fmt: skip
def test_keys_change_at_the_borders_of_epochs_in_utc(start, end, rotation, crosses):
    assert crosses_epoch(utc(start), utc(end), rotation) is crosses


def test_a_stretch_without_length_crosses_nothing():
    assert not crosses_epoch(utc("2001-01-15 00:00"), utc("2001-01-15 00:00") + timedelta(0), "daily")
