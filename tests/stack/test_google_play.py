"""Google's reports out of a bucket of fake-gcs-server, which speaks the protocol of Google Cloud Storage."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud import storage

from metrics_lake.cli import main
from metrics_lake.config.store_accounts import GooglePlay
from metrics_lake.fetch import play_console
from metrics_lake.fetch.ledger import Clock, FetchError, Outcome
from tests.unit.drawing import day, utc
from tests.unit.sources.haproxy.logs import InMemoryFile
from tests.unit.sources.reports import parsed

pytestmark = pytest.mark.stack

BUILT = Path(__file__).parents[2] / ".cache" / "stack"
APP, BUCKET = "com.acme.radio", "pubsite_prod_rev_0123"
HEAD = "Date,Package name, Daily User Installs\n"
MONDAY, TUESDAY = f"2001-01-15,{APP},7\n", f"2001-01-16,{APP},4\n"
OVERVIEW = f"stats/installs/installs_{APP}_200101_overview.csv"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("fake-gcs-server", path=f"{BUILT}:{os.environ.get('PATH', os.defpath)}")
    assert program, "no fake-gcs-server: make stack-test builds it"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("gcs") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-public-host",
             f"127.0.0.1:{port}", "-external-url", url], stdout=out, stderr=out,
        )  # fmt: skip
    try:
        for _ in range(200):
            assert process.poll() is None, log.read_text()
            with suppress(OSError), urllib.request.urlopen(f"{url}/storage/v1/b", timeout=1):
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def bucket(server: str) -> Iterator[storage.Bucket]:
    """The developer's bucket, with the report of a month that has one day so far."""
    client = play_console.client(GooglePlay(bucket=BUCKET, url=server), "")
    made = client.create_bucket(BUCKET)
    put(made, HEAD + MONDAY)
    yield made
    for blob in client.list_blobs(BUCKET):
        blob.delete()
    made.delete()


def put(bucket: storage.Bucket, text: str, name: str = OVERVIEW) -> None:
    """As Google writes it: UTF-16LE with its mark."""
    bucket.blob(name).upload_from_string(b"\xff\xfe" + text.encode("utf-16-le"), content_type="text/csv")


def fetch(bucket: storage.Bucket, landing: Path, *months: str, name: str = BUCKET) -> list[Outcome]:
    settings = GooglePlay(bucket=name, dimensions=("overview",))
    asked = bucket.client.bucket(name)
    return list(play_console.fetch(settings, asked, [APP], str(landing), months or ("200101",)))


def files(landing: Path) -> list[Path]:
    return sorted(path for path in landing.rglob("*") if path.is_file() and not path.name.startswith("."))


def test_a_report_is_landed_as_plain_text_under_the_time_it_was_written(bucket: storage.Bucket, tmp_path: Path) -> None:
    assert [each.what for each in fetch(bucket, tmp_path)] == ["landed"]
    [file] = files(tmp_path)
    assert file.read_text() == HEAD.replace(", D", ",D") + MONDAY
    written = bucket.get_blob(OVERVIEW).updated
    assert file.name == f"installs_{APP}_200101_overview.{written:%Y%m%dT%H%M%SZ}.csv"
    [row, account] = parsed([InMemoryFile(file.read_bytes(), file.relative_to(tmp_path).as_posix())])
    assert (row["downloads"], account["status"]) == (7, "read")
    assert account["written_at"] == written.replace(microsecond=0)


def test_a_report_is_fetched_again_only_when_google_has_rewritten_it(bucket: storage.Bucket, tmp_path: Path) -> None:
    fetch(bucket, tmp_path)
    assert [each.what for each in fetch(bucket, tmp_path)] == ["unchanged"]
    put(bucket, HEAD + MONDAY)  # rewritten, and the same
    assert [each.what for each in fetch(bucket, tmp_path)] == ["unchanged"] and len(files(tmp_path)) == 1
    time.sleep(1.1)  # names are dated to the second
    put(bucket, HEAD + MONDAY + TUESDAY)
    assert [each.what for each in fetch(bucket, tmp_path)] == ["landed"]
    assert [file.read_text().count("\n") for file in files(tmp_path)] == [2, 3]


def test_a_month_that_has_no_report_is_not_there_yet(bucket: storage.Bucket, tmp_path: Path) -> None:
    assert [each.what for each in fetch(bucket, tmp_path, "200012", "200101")] == ["not there yet", "landed"]


def test_only_reports_of_the_apps_and_dimensions_that_were_asked_for_are_fetched(
    bucket: storage.Bucket, tmp_path: Path
) -> None:
    for name in (f"installs_{APP}_200101_carrier.csv", f"installs_{APP}.other_200101_overview.csv", "crashes_x.csv"):
        put(bucket, HEAD, f"stats/installs/{name}")
    assert [each.report for each in fetch(bucket, tmp_path)] == [f"installs_{APP}_200101_overview"]
    assert len(files(tmp_path)) == 1


def test_a_report_that_is_rewritten_while_it_is_fetched_is_left_to_the_next_run(
    bucket: storage.Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewritten(blob: storage.Blob, *, if_generation_match: int, **_: object) -> bytes:
        """As Google answers when the generation asked for is no longer the newest; the emulator doesn't compare."""
        monkeypatch.undo()
        assert if_generation_match == bucket.get_blob(OVERVIEW).generation
        raise exceptions.PreconditionFailed("conditionNotMet")

    monkeypatch.setattr(storage.Blob, "download_as_bytes", rewritten)
    assert [each.what for each in fetch(bucket, tmp_path)] == ["not there yet"] and files(tmp_path) == []
    assert [each.what for each in fetch(bucket, tmp_path)] == ["landed"]


def test_a_bucket_that_is_not_there_is_named(bucket: storage.Bucket, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"there is no bucket 'pubsite_none': check google_play.bucket"):
        fetch(bucket, tmp_path, name="pubsite_none")


def test_the_command_fetches_from_the_emulator_that_the_settings_name(
    bucket: storage.Bucket,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "conf").mkdir()
    settings = {"google_play": {"bucket": BUCKET, "url": server, "dimensions": ["overview"]}}
    (tmp_path / "conf" / "base.yaml").write_text(json.dumps(settings))
    apps = [{"store": "google", "id": APP, "name": "Acme"}]
    tenants = {"tenants": {"acme": {"name": "Acme", "timezone": "UTC", "apps": apps}}}
    (tmp_path / "conf" / "tenants.yaml").write_text(json.dumps(tenants))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    main(["fetch", "google-play", "--from", "2001-01-01", "--to", "2001-02-01"])
    told = capsys.readouterr().err
    assert f"installs_{APP}_200101_overview: landed" in told and "1 landed, 1 not there yet" in told
    assert len(files(tmp_path / "data" / "landing" / "google_play")) == 1


def test_by_itself_it_looks_at_this_month_and_those_before(bucket: storage.Bucket) -> None:
    clock = Clock(lambda: utc("2001-01-15 12:00"), lambda seconds: None)
    assert play_console.due(GooglePlay(months=3), clock) == ["200011", "200012", "200101"]
    assert play_console.months_of([day("2001-01-31"), day("2001-02-01"), day("2001-02-02")]) == ["200101", "200102"]
