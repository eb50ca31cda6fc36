"""The doctor's checks of what runs have written look at every feed."""

from __future__ import annotations

import pytest

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.cli.screens import lake_checks
from metrics_lake.config.settings import Settings, Storage
from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.sources.landed_file import FileEntry


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_torn_checkpoint_of_any_feed_is_reported_with_its_remedy(tmp_path, feed):
    offsets = tmp_path / "_checkpoints" / feed.checkpoint / "query" / "offsets" / "0"
    offsets.parent.mkdir(parents=True)
    offsets.write_text("v1\n{")
    finding = lake_checks.checkpoint(Settings(storage=Storage(lake=str(tmp_path))))
    assert not finding.is_right and f"{feed.checkpoint}/query/offsets/0 is torn" in finding.state
    assert finding.commands == ("metrics-lake ingest --reset-checkpoint",)


def test_a_right_checkpoint_names_what_each_feed_has_planned(tmp_path):
    settings = Settings(storage=Storage(lake=str(tmp_path)))
    assert lake_checks.checkpoint(settings).state == "0 files in 0 batches"
    for feed in FEEDS:
        Manifest(tmp_path / "_checkpoints" / feed.checkpoint / "manifest").add(
            "/", [FileEntry("a", 1, "ab" * 32, "")], {}
        )
    assert lake_checks.checkpoint(settings).state == (
        "1 files in 1 batches, 1 batches to be ended by the next run; "
        "1 store reports in 1 batches, 1 batches to be ended by the next run"
    )
