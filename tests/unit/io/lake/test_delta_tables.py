"""Small tables keep what they hold when a later version of the program knows more columns."""

from __future__ import annotations

import polars as pl
import pytest
from deltalake.exceptions import DeltaError

from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.model.tables import Table
from tests.unit.drawing import day

_COLUMNS = "heard_on DATE COMMENT 'day'\nlisteners BIGINT NOT NULL COMMENT 'number'"
BEFORE = Table("gold.heard", partitioned_by=("heard_on",), columns=_COLUMNS)
AFTER = Table("gold.heard", partitioned_by=("heard_on",), columns=f"{_COLUMNS}\nsketch BINARY COMMENT 'the same'")
PROGRESS = Progress("compute", {"silver.sessions": 1}, "rules", ())


def test_a_column_that_is_new_comes_with_the_next_rows_and_is_empty_in_the_old_ones(tmp_path):
    tables = DeltaTables(str(tmp_path))
    days = [day("2001-01-15"), day("2001-01-16")]
    tables.replace(BEFORE, pl.DataFrame({"heard_on": days, "listeners": [1, 2]}), "TRUE", PROGRESS)
    again = pl.DataFrame({"heard_on": days[:1], "listeners": [3], "sketch": [b"abc"]})
    tables.replace(AFTER, again, "heard_on = '2001-01-15'", PROGRESS)
    held = tables.frame(AFTER).sort("heard_on")
    assert held.rows() == [(days[0], 3, b"abc"), (days[1], 2, None)]


def test_rows_beyond_those_that_are_deleted_for_them_are_refused(tmp_path):
    """So a row that a run writes is one that the next run deletes."""
    tables, days = DeltaTables(str(tmp_path)), [day("2001-01-15"), day("2001-01-16")]
    rows = pl.DataFrame({"heard_on": days, "listeners": [1, 2]})
    tables.replace(BEFORE, rows, "TRUE", PROGRESS)
    with pytest.raises(DeltaError, match="Invalid data"):
        tables.replace(BEFORE, rows, "heard_on = '2001-01-15'", PROGRESS)
    assert tables.frame(BEFORE).sort("heard_on").rows() == [(days[0], 1), (days[1], 2)]
