"""The stream and kind of a request, and whether it is evidence of listening."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.config.tenants import Tenants
from metrics_lake.sources.haproxy import streams
from metrics_lake.sources.haproxy.streams import CONNECTION, NONE, PLAYLIST, SEGMENT
from tests.unit.drawing import rows

TENANTS = Tenants.model_validate(
    {
        "tenants": {
            "acme": {
                "name": "Acme", "timezone": "UTC",
                "streams": {
                    "hd": {"protocol": "hls", "segment_seconds": 4, "match": {"path": "/acme/hd/*"}},
                    "live": {"protocol": "hls", "match": {"host": "*.acme.example", "path": ["/acme/*", "/a/*"]}},
                    "fm": {"protocol": "icecast", "match": {"frontend": ["fe_ice*", "fe_old"], "path": "/acme.mp3"}},
                },
            },
            "other": {
                "name": "Other", "timezone": "UTC",
                "streams": {
                    "all": {"protocol": "hls", "match": {"path": "/acme/*"}, "media_suffixes": [".opus"]},
                    "tv": {"protocol": "tcp", "match": {"frontend": "fe_tcp"}},
                },
            },
        }
    }
)  # fmt: skip
NAMES = [f"{row['tenant']}.{row['stream']}" for row in streams.table(TENANTS).to_dicts()]


def claimed(*rows: tuple[str | None, str | None, str | None]) -> pl.DataFrame:
    schema = dict.fromkeys(("frontend", "host", "path"), pl.String)
    return streams.match_streams(pl.DataFrame(list(rows), schema=schema, orient="row"), TENANTS)


def test_streams_are_numbered_in_the_order_of_the_file():
    assert NAMES == ["acme.hd", "acme.live", "acme.fm", "other.all", "other.tv"]
    assert streams.table(TENANTS)["segment_ms"].to_list() == [4000, 6000, 6000, 6000, 6000]


CLAIMS = rows("""
    frontend | host            | path           | claimed by
    fe       | cdn.acme.example| /acme/hd/1.ts  | acme.hd
    fe       |                 | /acme/hd/1.ts  | acme.hd
    fe       | cdn.acme.example| /acme/1.ts     | acme.live
    fe       | CDN.Acme.Example| /a/1.ts        | acme.live
    fe       | acme.example    | /a/1.ts        |
    fe       | other.example   | /acme/1.ts     | other.all
    fe       |                 | /acme/1.ts     | other.all
    fe       | cdn.acme.example| /Acme/1.ts     |
    fe_ice_1 |                 | /acme.mp3      | acme.fm
    FE_OLD   | x               | /acme.mp3      | acme.fm
    fe       | x               | /acme.mp3      |
    fe_ice   | x               | /acme.mp3/     |
    fe_tcp   |                 |                | other.tv
    fe       |                 |                |
    """)


@pytest.mark.parametrize("row", CLAIMS, ids=[f"{r['frontend']} {r['host']} {r['path']}" for r in CLAIMS])
def test_the_first_stream_whose_globs_all_hold_claims_a_request(row):
    number = claimed((row["frontend"], row["host"], row["path"]))["stream_number"].item()
    assert (None if number is None else NAMES[number]) == row["claimed by"]


_TEXTS = st.text(alphabet="abAB*?./é", max_size=5)
_GLOBS = st.builds("{}{}{}".format, st.sampled_from(["", "*"]), _TEXTS, st.sampled_from(["", "*"])).filter(bool)


def _possible(field, glob):
    """The glob, made one that the field can match."""
    if field == "host":
        return glob.replace("/", "")
    return f"/{glob}" if field == "path" and glob[:1] not in ("/", "*", "?") else glob


@given(
    st.sampled_from(["path", "host", "frontend"]),
    st.lists(_GLOBS, min_size=1, max_size=2),
    st.lists(_TEXTS, min_size=1),
)
def test_a_glob_that_needs_no_regular_expression_fits_what_its_expression_would(field, globs, texts):
    globs = [_possible(field, glob) for glob in globs]
    stream = {"protocol": "icecast", "match": {field: globs}}
    tenants = Tenants.model_validate({"tenants": {"t1": {"name": "T", "timezone": "UTC", "streams": {"s": stream}}}})
    pattern = tenants.tenants["t1"].streams["s"].match.pattern(field)
    requests = pl.DataFrame(
        {"frontend": "fe", "host": "h", "path": "/p"} | {field: texts}, schema_overrides={field: pl.String}
    )
    rows = streams.match_streams(requests, tenants)["stream_number"].is_not_null()
    assert rows.to_list() == pl.Series(texts, dtype=pl.String).str.contains(pattern).to_list()


def test_requests_keep_their_order_and_number_however_often_they_repeat():
    rows = [("fe", "x", "/acme/1.ts"), (None, None, None), ("fe", "x", "/acme/1.ts"), ("fe_tcp", None, None)]
    assert claimed(*rows)["stream_number"].to_list() == [3, None, 3, 4]


KINDS = rows("""
    path               | kind
    /acme/hd/1.ts      | 1
    /acme/hd/1.AAC     | 1
    /acme/hd/1.m4s     | 1
    /acme/hd/1.mp4     | 1
    /acme/hd/1.mp3     | 1
    /acme/hd/1.ac3     | 1
    /acme/hd/1.vtt     | 1
    /acme/hd/a.m3u8    | 2
    /acme/hd/A.M3U8    | 2
    /acme/hd/ts        | 0
    /acme/hd/key.bin   | 0
    /acme/hd/1.opus    | 0
    /acme/1.opus       | 1
    /acme/1.ts         | 0
    /acme.mp3          | 3
    """)


@pytest.mark.parametrize("row", KINDS, ids=[row["path"] for row in KINDS])
def test_what_a_request_asks_for_is_decided_by_its_suffix_or_its_stream_s_protocol(row):
    assert claimed(("fe_ice", "x", row["path"]))["request_kind"].item() == row["kind"]


EVIDENCE = rows("""
    method  | status | segment | playlist | connection | nothing
    GET     | 200    | true    | true     | true       | false
    GET     | 206    | true    | true     | true       | false
    GET     | 304    | false   | true     | false      | false
    GET     | 301    | false   | false    | false      | false
    GET     | 302    | false   | false    | false      | false
    GET     | 401    | false   | false    | false      | false
    GET     | 403    | false   | false    | false      | false
    GET     | 404    | false   | false    | false      | false
    GET     | 416    | false   | false    | false      | false
    GET     | 503    | false   | false    | false      | false
    GET     | -1     | false   | false    | false      | false
    HEAD    | 200    | false   | false    | false      | false
    OPTIONS | 200    | false   | false    | false      | false
    POST    | 200    | false   | false    | false      | false
    BADREQ  | 400    | false   | false    | false      | false
    """)
KIND_OF = {"segment": SEGMENT, "playlist": PLAYLIST, "connection": CONNECTION, "nothing": NONE}


@pytest.mark.parametrize("row", EVIDENCE, ids=[f"{row['method']} {row['status']}" for row in EVIDENCE])
def test_only_what_was_asked_for_and_served_shows_that_somebody_listened(row):
    requests = pl.DataFrame(
        {"request_kind": list(KIND_OF.values()), "method": row["method"], "status": row["status"], "is_tcp": False,
         "is_unserved": False}
    )  # fmt: skip
    assert requests.select(streams.is_evidence()).to_series().to_list() == [row[name] for name in KIND_OF]
    assert not any(requests.with_columns(is_unserved=True).select(streams.is_evidence()).to_series())


KINDS_BY_SUFFIX = rows("""
    path                          | kind
    /acme/live/a.TS               | 1
    /acme/live/a.m4a              | 1
    /acme/live/init.cmfv          | 1
    /acme/live/part1.2.m4s        | 1
    /acme/live/a.webvtt;v=1       | 1
    /acme/live/1.ts;x=y;z         | 1
    /acme/live/a.mp4a             | 1
    /acme/live/a.ec3              | 1
    /acme/live;v=2/1.cmft         | 1
    /acme/live/manifest.mpd       | 2
    /acme/live/x.M3U8;jsession=1  | 2
    /acme/live/segment            | 0
    /acme/live/a.opus             | 0
    /acme/live/a.ts/more          | 0
    """)


def kind_of(path: str, **settings: object) -> int:
    stream = {"protocol": "hls", "match": {"path": "/acme/*"}, **settings}
    tenants = Tenants.model_validate({"tenants": {"t": {"timezone": "UTC", "streams": {"s": stream}}}})
    row = pl.DataFrame({"frontend": ["fe"], "host": [None], "path": [path]}, schema_overrides={"host": pl.String})
    return int(streams.match_streams(row, tenants)["request_kind"].item())


@pytest.mark.parametrize("row", KINDS_BY_SUFFIX, ids=[row["path"] for row in KINDS_BY_SUFFIX])
def test_a_segment_or_playlist_is_told_by_its_suffix(row):
    assert kind_of(row["path"]) == int(row["kind"])


@pytest.mark.parametrize(
    ("path", "suffixes", "kind"),
    [
        ("/acme/live/segment-17", [""], SEGMENT),
        ("/acme/live/segment-17;x=1", ["", ".opus"], SEGMENT),
        ("/acme/live/a.OPUS", ["", ".Opus"], SEGMENT),
        ("/acme/live/a.jpg", [""], NONE),
        ("/acme/live/", [""], NONE),
        ("/acme/live/a.ts", [], NONE),
    ],
)
def test_segments_without_a_suffix_count_only_where_the_settings_say_so(path, suffixes, kind):
    assert kind_of(path, media_suffixes=suffixes) == kind


def test_a_suffix_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'ts' is no suffix"):
        kind_of("/acme/1.ts", media_suffixes=["ts"])
