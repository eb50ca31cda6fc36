"""Documents dealt out by Spark, into the Cosmos DB emulator."""

from __future__ import annotations

import pytest

from tests.lake.test_documents_by_spark import check_both_ways
from tests.stack.test_cosmos import serving

pytestmark = pytest.mark.stack


def test_documents_that_spark_deals_out_into_the_emulator_are_those_that_this_process_writes(tmp_path):
    with serving("http", "--no-ssl") as endpoint:
        check_both_ways(tmp_path, endpoint)
