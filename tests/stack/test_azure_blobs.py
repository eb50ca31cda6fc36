"""Rollup blobs in Azurite: as in a folder, and what browsers, caches and a second publisher make of them."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from metrics_lake.cli.output.failures import lines
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.io.storage.blobs import Blobs, blobs_in
from tests.stack.azurite import ACCOUNT, KEY, Azurite, sas

pytestmark = pytest.mark.stack
DAY = "acme/_all/day/2001-01-15.json"


@pytest.fixture
def place(storage: Azurite, request: pytest.FixtureRequest) -> Iterator[str]:
    """A folder of a container of the test's own."""
    name = f"t{abs(hash(request.node.name))}"
    container = storage.container(name)
    yield f"{storage.url(name)}/rollups"
    container.delete_container()


def opened(place: str, monkeypatch: pytest.MonkeyPatch, **secrets: str) -> Blobs:
    for name in ("KEY", "SAS"):
        monkeypatch.delenv(f"METRICS_LAKE_STORAGE_{name}", raising=False)
    for name, text in secrets.items():
        monkeypatch.setenv(f"METRICS_LAKE_STORAGE_{name}", text)
    return blobs_in(place)


def container(place: str) -> str:
    return place.split("/")[-2]


@pytest.mark.parametrize("right", ["KEY", "SAS"])
def test_blobs_are_read_listed_and_deleted_as_files_are(
    place: str, monkeypatch: pytest.MonkeyPatch, right: str
) -> None:
    blobs = opened(place, monkeypatch, **{right: KEY if right == "KEY" else sas(container(place))})
    assert blobs.read(DAY) is None and list(blobs.paths("")) == []
    for path in (DAY, "acme/index.json", "_published.json", "acme/.hidden.json", "acmes/index.json", "acme/x.txt"):
        blobs.write(path, path.encode())
    assert blobs.read(DAY) == DAY.encode()
    assert list(blobs.paths("acme")) == [DAY, "acme/index.json"]
    assert list(blobs.paths("")) == ["_published.json", DAY, "acme/index.json", "acmes/index.json"]
    blobs.delete(DAY)
    blobs.delete(DAY)
    assert blobs.read(DAY) is None


def test_a_browser_is_told_what_it_gets_and_for_how_long(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = opened(place, monkeypatch, KEY=KEY)
    blobs.write(DAY, b"{}")
    url = f"{place}/{DAY}?{sas(container(place), 'r')}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["Cache-Control"] == "max-age=60, must-revalidate"
        etag = answer.headers["ETag"]
    again = urllib.request.Request(url, headers={"If-None-Match": etag})
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(again, timeout=10)
    assert told.value.code == 304


def test_of_two_publishers_the_second_is_told_and_writes_nothing_over(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (opened(place, monkeypatch, KEY=KEY) for _ in range(2))
    assert first.read(DAY) is None and second.read(DAY) is None
    first.write(DAY, b"first")
    with pytest.raises(AzureError, match=rf"{DAY} was changed by another publisher meanwhile"):
        second.write(DAY, b"second")
    assert second.read(DAY) == b"first"
    second.write(DAY, b"second")
    with pytest.raises(AzureError, match="another publisher"):
        first.write(DAY, b"first again")
    first.write(DAY, b"first again")  # that read it anew
    assert second.read(DAY) == b"first again"


def test_what_was_written_by_a_request_whose_answer_was_lost_is_no_other_s(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, answered = (opened(place, monkeypatch, KEY=KEY) for _ in range(2))
    assert mine.read(DAY) is None
    answered.write(DAY, b"{}")
    mine.write(DAY, b"{}")
    mine.write(DAY, b"[]")
    assert answered.read(DAY) == b"[]"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("key", r"not allowed \(AuthorizationFailure\): the key is wrong"),
        ("expired", "the key or SAS is refused: it is wrong or has expired|not allowed"),
        ("right", r"not allowed \(\w+\): the key is wrong, the SAS or identity lacks a right"),
        ("container", "there is no such container: make it, or mend the setting"),
        ("port", "it can't be reached: check the account's name, the net and its firewall"),
    ],
)
def test_a_refusal_is_one_line_that_names_place_and_remedy_and_no_secret(
    place: str, monkeypatch: pytest.MonkeyPatch, wrong: str, told: str
) -> None:
    secrets = {"KEY": KEY}
    if wrong == "key":
        secrets = {"KEY": KEY.swapcase()}
    elif wrong in ("expired", "right"):
        secrets = {"SAS": sas(container(place), "rl", hours=-1 if wrong == "expired" else 1)}
    elif wrong == "container":
        place = place.replace(container(place), "nowhere")
    elif wrong == "port":
        place = f"http://127.0.0.1:9/{ACCOUNT}/figures/rollups"
        monkeypatch.setattr("metrics_lake.io.storage.azure._PATIENCE", {"retry_total": 0})
    blobs = opened(place, monkeypatch, **secrets)
    with pytest.raises(AzureError, match=told) as error:
        blobs.write(DAY, b"{}")
    [line] = lines(error.value)
    assert line.startswith(f"metrics-lake: {place}") or "<address>" in line
    assert not [secret for secret in secrets.values() if secret in line] and "sig=" not in line


def test_case_21_a_right_that_is_lost_half_way_is_told_and_what_was_written_stays(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = opened(place, monkeypatch, SAS=sas(container(place), "rwcl", hours=0.0014))  # 5 s
    written = []
    with pytest.raises(AzureError, match=r"refused|not allowed"):
        for number in range(100_000):
            blobs.write(f"acme/{number}.json", b"{}")
            written.append(f"acme/{number}.json")
    assert written and list(opened(place, monkeypatch, KEY=KEY).paths("acme")) == sorted(written)
