"""What a user reads of an error: cause and remedy, and never a value that a row had."""

from __future__ import annotations

import pytest

from metrics_lake.cli.output.failures import lines
from metrics_lake.config.settings import SettingsError
from metrics_lake.io.landing.local_landing import LandingError
from metrics_lake.io.storage.files import BusyError
from metrics_lake.model.tables import TableError


class SparkError(Exception):
    """As pyspark's: a condition with a name, and a message that may quote data."""

    def getCondition(self):
        return "CAST_INVALID_INPUT"


@pytest.mark.parametrize("kind", [SettingsError, LandingError, BusyError, TableError])
def test_our_own_errors_are_told_as_they_are(kind):
    assert list(lines(kind("conf/base.yaml: mend it"))) == ["metrics-lake: conf/base.yaml: mend it"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited"), "no Java that Spark can start with: run `make setup`"),
        (FileNotFoundError(2, "No such file", "java"), "no Java that Spark can start with"),
        (PermissionError(13, "Permission denied", "data/lake"), "not allowed to write or read data/lake; check its owner"),
        (OSError(28, "No space left on device"), "the disk is full; free some room and run again"),
        (FileNotFoundError(2, "No such file or directory", "people.txt"), "people.txt: no such file or directory"),
        (IsADirectoryError(21, "Is a directory", "people"), "people: is a directory"),
        (OSError(30, "Read-only file system", "data/lake"), "data/lake is on a disk that is read-only; mount it"),
        (SparkError("Job aborted: java.io.IOException: No space left on device\n at x"), "the disk is full; free some room"),
        (SparkError("Job aborted: ReadingFailed: http://x/landing: the key or SAS is refused: renew it\n\n\tat x"),
         "http://x/landing: the key or SAS is refused: renew it"),
        (SparkError("Job aborted: ReadingFailed: ValueError in feed.parse:12 < landing.read:3\n at x"),
         "ValueError in feed.parse:12 < landing.read:3; run again with --debug"),
        (ValueError("x"), "ValueError; run again with --debug for the whole story"),
        (SparkError("x"), "SparkError (CAST_INVALID_INPUT); run again with --debug"),
    ],
)  # fmt: skip
def test_known_troubles_of_the_machine_have_a_remedy(error, said):
    [line] = lines(error)
    assert line.startswith(f"metrics-lake: {said}")


@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError, SparkError])
def test_what_others_say_of_an_error_is_not_repeated(kind):
    assert "192.0.2.7" not in "".join(lines(kind("the value '192.0.2.7' can't be cast")))
