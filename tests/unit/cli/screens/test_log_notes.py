"""What `run` and `audit completeness` say of files whose proxy or hour may not be what people think."""

from __future__ import annotations

import polars as pl

from metrics_lake.cli.screens.log_notes import several_hosts, unknown_names, without_name
from tests.unit.drawing import rows

FILES = pl.DataFrame(
    rows("""
    path                                       | status      | proxy     | proxy_reason      | header_hosts
    haproxy/edge-01/haproxy-20010115-13.log    | read        | edge-01   | folder         | [edge1]
    haproxy/logserver/haproxy-20010115-13.log  | read        | logserver | folder_over_hosts| [node2, node3]
    haproxy/logserver/haproxy-20010115-14.log  | read        | logserver | folder_over_hosts| [node2]
    haproxy/a.log                              | read        |           | no_name        | []
    haproxy/b.log                              | read        |           | no_name        | []
    haproxy/20010115-edge01-17.log             | empty       |           | no_name        | []
    haproxy/edge-01/haproxy-20010115-1730.log  | quarantined | edge-01   | folder         | []
    haproxy/prod/lb1-20010115.log              | read        | prod      | folder            | [lb1]
    haproxy/prod/lb2-20010115.log              | read        | prod      | folder            | [lb2]
    """)
)
NONE = FILES.filter(path="haproxy/edge-01/haproxy-20010115-13.log")


def test_folders_over_several_hosts_are_named_once_with_the_setting_whether_in_one_file_or_in_several():
    [said] = several_hosts(FILES)
    assert (
        "2 folders (such as logserver) name several hosts" in said and "haproxy.proxy_from: header, and `run`" in said
    )


def test_files_that_name_no_machine_are_counted_with_the_remedy():
    [said] = without_name(FILES)
    assert "2 files (such as haproxy/a.log)" in said and "a folder of its own" in said


def test_a_name_of_no_known_kind_is_told_where_the_file_counts():
    [said] = unknown_names(FILES)
    assert "the file haproxy/20010115-edge01-17.log:" in said and "right behind its date" in said


def test_where_all_is_known_nothing_is_said():
    assert [*several_hosts(NONE), *without_name(NONE), *unknown_names(NONE)] == []
