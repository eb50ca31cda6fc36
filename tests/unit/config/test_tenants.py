"""The tenants file: what is wrong in it, and which requests a glob fits."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from metrics_lake.config.settings import Settings, SettingsError, load_tenants
from metrics_lake.config.tenants import App, Match, Tenants

GOOD = """
tenants:
  acme:
    name: Acme Radio
    timezone: Africa/Johannesburg
    streams:
      live: {protocol: hls, match: {host: "*.acme.example", path: ["/acme/live/*", "/acme/hd/*"]}}
      fm: {protocol: icecast, match: {path: "/acme.mp3"}}
    internal_networks: [10.0.0.0/8]
    broadcast_day_starts: "04:00"
"""


def tenants_of(folder: Path, text: str) -> Tenants:
    (folder / "tenants.yaml").write_text(text, encoding="utf-8", newline="")
    return load_tenants(Settings(conf=str(folder)))


def test_streams_keep_the_order_in_which_they_are_tried(tmp_path):
    acme = tenants_of(tmp_path, GOOD).tenants["acme"]
    assert list(acme.streams) == ["live", "fm"]
    assert acme.streams["live"].match.path == ("/acme/live/*", "/acme/hd/*")
    assert acme.streams["fm"].match.path == ("/acme.mp3",)
    assert (acme.calendar.timezone, acme.calendar.broadcast_day_starts) == ("Africa/Johannesburg", "04:00")


@pytest.mark.parametrize(
    ("stated", "name"), [("    name: Acme Radio\n", "Acme Radio"), ("", "acme"), ("    name: acme\n", "acme")]
)
def test_a_tenant_without_a_name_is_called_by_its_key(tmp_path, stated, name):
    text = GOOD.replace("    name: Acme Radio\n", stated)
    assert tenants_of(tmp_path, text).tenants["acme"].name == name


def test_the_tenants_file_may_lie_anywhere(tmp_path):
    tenants_of(tmp_path, GOOD)
    assert load_tenants(Settings(conf="nowhere", tenants=str(tmp_path / "tenants.yaml"))).tenants


@pytest.mark.parametrize("text", ["acme: {timezone: UTC}", "streams: {}"])
def test_a_file_without_its_top_key_is_told_so(tmp_path, text):
    with pytest.raises(SettingsError, match="no key `tenants` at the top; write it there, with the tenants below it"):
        tenants_of(tmp_path, text)


def test_a_missing_tenants_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(SettingsError, match=r"no tenants file .*tenants.yaml; write one .*--set tenants=FILE"):
        load_tenants(Settings(conf=str(tmp_path)))


WRONG = [
    # what is written, instead of what, and what is said of it
    (
        "Africa/Jburg",
        "Africa/Johannesburg",
        "tenants.acme.timezone: no such time zone: 'Africa/Jburg'; use an IANA name",
    ),
    ("live: {protocol: ice", "fm: {protocol: ice", ", line 8: 'live' stands twice; rename one"),
    ("time_zone:", "timezone:", "unknown key 'tenants.acme.time_zone'; the nearest known one is 'timezone'"),
    ("tenant:", "tenants:", "unknown key 'tenant'; the nearest known one is 'tenants'"),
    ("{hosts:", "{host:", "unknown key 'tenants.acme.streams.live.match.hosts'; the nearest known one is 'host'"),
    ("protocol: dash", "protocol: hls", "tenants.acme.streams.live.protocol: Input should be 'hls'"),
    ("Acme!:", "acme:", "tenants.Acme!: 'Acme!' can't be a name: use a to z"),
    ("10.0.0.1/8", "10.0.0.0/8", "tenants.acme.internal_networks.0: no network: it has bits set behind the prefix"),
    ('"24:00"', '"04:00"', "tenants.acme.broadcast_day_starts: '24:00' is no time of day; write it as '04:00'"),
    ('"04"', '"04:00"', "tenants.acme.broadcast_day_starts: '04' is no time of day"),
    ('"04:00:30"', '"04:00"', "tenants.acme.broadcast_day_starts: '04:00:30' is no time of day"),
    ("hls, segment_seconds: 12,", "hls,", "tenants.acme.streams.live.segment_seconds: Input should be less than"),
    ("/acme[z-a].mp3", "/acme.mp3", "tenants.acme.streams.fm.match.path.0: '/acme[z-a].mp3' is no glob"),
    ("    name: [Acme", "    name: Acme", ", line 5: not YAML"),
    (
        '"acme.mp3"',
        '"/acme.mp3"',
        "path.0: 'acme.mp3' can match no path, because a path begins with /: write '/acme.mp3'",
    ),
    ('"https://acme.example/acme.mp3"', '"/acme.mp3"', "is a URL, which no path matches: write its parts apart"),
    ('"^/acme.mp3"', '"/acme.mp3"', "can match no path, because a path begins with /"),
    ('"/acme.mp3$"', '"/acme.mp3"', "'/acme.mp3$' looks like a regular expression and would match nothing"),
    (
        r"'/acme\.mp3'",
        '"/acme.mp3"',
        "looks like a regular expression and would match nothing: in a glob * is any text",
    ),
    ('"*.acme.example:8000"', '"*.acme.example"', "can match no host: write the name alone, as '*.acme.example'"),
    (
        '"https://*.acme.example/live"',
        '"*.acme.example"',
        "can match no host: write the name alone, as '*.acme.example'",
    ),
    ('"^acme.example"', '"*.acme.example"', "'^acme.example' looks like a regular expression"),
]


@pytest.mark.parametrize(("written", "instead_of", "said"), WRONG, ids=[row[0].strip() for row in WRONG])
def test_what_is_wrong_is_answered_with_file_place_and_remedy(tmp_path, written, instead_of, said):
    assert instead_of in GOOD
    with pytest.raises(SettingsError) as error:
        tenants_of(tmp_path, GOOD.replace(instead_of, written))
    assert str(error.value).startswith(f"{tmp_path}/tenants.yaml")
    assert said in str(error.value) and "\n" not in str(error.value)


@given(st.sampled_from(GOOD.splitlines()), st.text(alphabet='[]{}:,-"*&?|>\n\t #a0', max_size=12))
def test_a_damaged_file_is_read_or_refused_but_never_crashes(line, noise):
    with TemporaryDirectory() as folder:
        try:
            assert tenants_of(Path(folder), GOOD.replace(line, line[: len(line) // 2] + noise, 1)).tenants is not None
        except SettingsError as error:
            assert "tenants.yaml" in str(error)


GLOBS = st.text(alphabet="ab*?[]!-^&./\\{}()+$|~# é", max_size=8)
PATHS = st.lists(st.text(alphabet="ab./[]-^&\\é ~!*?\n", max_size=6), min_size=1, max_size=8)


@given(GLOBS, PATHS)
def test_a_glob_fits_what_a_shell_s_would(glob, paths):
    glob, paths = f"/{glob}", [f"/{path}" for path in paths]
    try:
        pattern = Match(path=glob).pattern("path")
    except ValidationError:
        assert "[" in glob or "\\" in glob or glob.endswith("$")
        return
    got = pl.Series(paths).str.contains(pattern).to_list()
    assert got == [fnmatch.fnmatchcase(path, glob) for path in paths]


@pytest.mark.parametrize(
    ("field", "glob", "text", "fits"),
    [
        ("host", "*.acme.example", "CDN.ACME.example", True),
        ("host", "*.acme.example", "acme.example", False),
        ("frontend", "FE_hls", "fe_HLS", True),
        ("path", "/Live/*", "/live/a.ts", False),
        ("path", "/*/a/*/b/*.ts", "/1/a/2/b/3.ts", True),
        ("path", "/live", "/live/", False),
        ("path", "/[!a-c]/x", "/b/x", False),
        ("path", "/[!a-c]/x", "/d/x", True),
        ("path", "/[*]", "/*", True),
        ("path", "/[*]", "/a", False),
        ("path", "/[]]?", "/]é", True),
        ("path", "/a.ts", "/a-ts", False),
    ],
)
def test_case_counts_in_paths_alone_and_the_whole_must_fit(field, glob, text, fits):
    pattern = Match(**{field: glob}).pattern(field)
    assert pl.Series([text]).str.contains(pattern).to_list() == [fits]


def test_a_field_without_globs_may_be_anything():
    assert Match(path="/x").pattern("host") is None


def test_an_app_s_number_may_stand_without_quotes():
    app = App.model_validate({"store": "apple", "id": 1234567890, "name": "Acme", "vendor": 85000001})
    assert (app.id, app.vendor) == ("1234567890", ("85000001",))


@pytest.mark.parametrize(("written", "vendors"), [
    ('""', ()), ("[]", ()), ("85000001", ("85000001",)), ('[85000001, "85000002"]', ("85000001", "85000002")),
    ("[85000001, 85000001]", ("85000001",)),
])  # fmt: skip
def test_an_app_may_have_been_sold_under_several_vendor_numbers(tmp_path, written, vendors):
    app = f'{{store: apple, id: "1", name: A, vendor: {written}}}'
    found = tenants_of(tmp_path, f"{GOOD}    apps: [{app}]\n").tenants["acme"]
    assert found.apps[0].vendor == vendors
    again = Tenants.model_validate(Tenants(tenants={"acme": found}).model_dump(mode="json"))
    assert again.tenants["acme"] == found


@pytest.mark.parametrize(("apps", "said"), [
    (
        "[{store: apple, id: 1, name: A, vendor: 85000001}, {store: apple, id: '1', name: B, vendor: [85000002]}]",
        r'tenants.acme.apps: the app 1 of the store apple stands twice; list it once, with vendor: \["85000001", "85000002"\]$',
    ),
    (
        "[{store: google, id: a.b, name: A}, {store: apple, id: 1, name: A}, {store: google, id: a.b, name: B}]",
        r"tenants.acme.apps: the app a.b of the store google stands twice; list it once$",
    ),
    ("[{store: apple, id: 1, name: A, vendor: {a: 1}}]", r"tenants.acme.apps.0.vendor.0: "),
])  # fmt: skip
def test_an_app_that_stands_twice_is_named_with_the_remedy(tmp_path, apps, said):
    with pytest.raises(SettingsError, match=f"^{tmp_path}/tenants.yaml: {said}"):
        tenants_of(tmp_path, f"{GOOD}    apps: {apps}\n")


def test_two_tenants_may_have_the_same_app(tmp_path):
    apps = "apps: [{store: google, id: a.b, name: A}]"
    other = f"  other: {{name: O, timezone: UTC, {apps}}}\n"
    assert len(tenants_of(tmp_path, f"{GOOD}    {apps}\n{other}").tenants) == 2


SHADOWED = [
    # the earlier match, the later match, whether the later stream can never get a request
    ({"path": "/a/*"}, {"path": "/a/*"}, True),
    ({"path": "/a/*"}, {"path": "/a/b/*"}, True),
    ({"path": "/a/*"}, {"path": "/a/?.ts"}, True),
    ({"path": "/a/b/*"}, {"path": "/a/*"}, False),
    ({"path": "*"}, {"path": "/a"}, True),
    ({"path": ["/a/*", "/b/*"]}, {"path": ["/b/x", "/a/y"]}, True),
    ({"path": ["/a/*", "/b/*"]}, {"path": ["/b/x", "/c/y"]}, False),
    ({"path": "*.mp3"}, {"path": "/a.mp3"}, True),
    ({"path": "*.mp3"}, {"path": "/a*.mp3"}, False),
    ({"path": "/A/*"}, {"path": "/a/*"}, False),
    ({"host": "*.ACME.example"}, {"host": "cdn.acme.example"}, True),
    ({"host": "acme.example"}, {"path": "/a"}, False),
    ({"path": "/a"}, {"path": "/a", "host": "acme.example"}, True),
    ({"frontend": "fe", "path": "/a/*"}, {"path": "/a/*"}, False),
    ({"frontend": "fe", "path": "/a/*"}, {"frontend": "fe", "path": "/a/*", "host": "x"}, True),
    ({}, {"path": "/a"}, True),
]


@pytest.mark.parametrize(("earlier", "later", "is_shadowed"), SHADOWED)
def test_a_stream_that_an_earlier_one_leaves_nothing_is_known(earlier, later, is_shadowed):
    streams = {name: {"protocol": "icecast", "match": match} for name, match in (("one", earlier), ("two", later))}
    tenants = Tenants.model_validate({"tenants": {"acme": {"timezone": "UTC", "streams": streams}}})
    assert tenants.shadowed() == ([("acme.two", "acme.one")] if is_shadowed else [])


@given(st.lists(GLOBS, min_size=1, max_size=2), st.lists(GLOBS, min_size=1, max_size=2), PATHS)
def test_a_covered_glob_matches_nothing_that_the_wide_one_does_not(wide, narrow, paths):
    wide, narrow = ([f"/{glob}" for glob in globs] for globs in (wide, narrow))
    try:
        one, other = Match(path=wide), Match(path=narrow)
    except ValidationError:
        return
    if one.covers(other):
        texts = pl.Series([f"/{path}" for path in paths])
        fits, fits_narrow = (texts.str.contains(match.pattern("path")) for match in (one, other))
        assert (fits | ~fits_narrow).all()
