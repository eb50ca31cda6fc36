"""Every feed is declared once, and whoever loops over feeds finds in the declaration what it needs."""

from __future__ import annotations

from importlib import import_module

import pytest

from metrics_lake.bronze import haproxy
from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.jobs.stages import STAGES
from metrics_lake.model.feeds import FILE, REJECT
from metrics_lake.privacy.hashing import Hasher
from tests.unit.sources.haproxy.logs import InMemoryFile, line, rules_of, text


def test_no_two_feeds_share_a_name_a_folder_a_table_or_a_checkpoint():
    names = [feed.name for feed in FEEDS]
    folders = [folder for feed in FEEDS for folder in feed.folders]
    tables = [feed.table.name for feed in FEEDS]
    checkpoints = [feed.checkpoint for feed in FEEDS]
    for values in (names, folders, tables, checkpoints):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_worker_imports_a_feed_from_the_module_that_declares_it(feed):
    assert import_module(feed.declared_in).FEED is feed


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_feed_has_accounts_of_its_files_and_its_rejects_with_what_ingest_reads_of_them(feed):
    assert (feed.files.kind, feed.rejects.kind) == (FILE, REJECT)
    assert {"batch_number", "path", "size_bytes", "content_hash", "status"} <= {c.name for c in feed.files.fields}
    assert {"batch_number", "reason"} <= {column.name for column in feed.rejects.fields}


def test_a_feed_has_stages_behind_it_once_at_most():
    with_stages = [stages.feed for stages in STAGES]
    assert with_stages == [feed for feed in FEEDS if feed in with_stages]


def test_logs_are_parsed_with_the_hasher_alone_where_no_secret_can_be_read(tmp_path, monkeypatch):
    monkeypatch.delenv("METRICS_LAKE_SECRET", raising=False)
    monkeypatch.chdir(tmp_path)
    one, other = (
        next(
            iter(
                haproxy.FEED.parse([InMemoryFile(text([line(0)]))], rules_of(), Hasher(bytes(range(start, start + 32))))
            )
        )
        for start in (0, 1)
    )
    assert one["listener_id"].to_list() != other["listener_id"].to_list()
