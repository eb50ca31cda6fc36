"""Turns an exception into the line that a user reads: the cause, and what to do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from errno import ENOSPC, EROFS

_DEBUG_HINT = "; run again with --debug for the whole story"
_WORKER_ERROR = re.compile(r"\bReadingFailed: ([^\n]+)")  # io/landing/reader.py, which quotes no data
_IN_CODE = re.compile(r"\w+ in [\w.]+:\d+")
_NO_ROOM = "No space left on device"
_NO_JAVA = "no Java that Spark can start with: run `make setup`, or set JAVA_HOME to a Java 17 or 21"


def is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is the cause of the error."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:  # Polars raises some that are their own cause
        seen.append(error)
        error = error.__cause__ or error.__context__
    return any(isinstance(cause, KeyboardInterrupt) for cause in seen)


def lines(error: Exception) -> Iterator[str]:
    """One line, at most two. It never has an address or a value of a row: of Spark's errors it names only the class."""
    from metrics_lake.privacy.redaction import without_addresses

    return map(without_addresses, _lines(error))


def stack_trace(error: Exception) -> str:
    """The whole stack trace, for --debug. Addresses are redacted."""
    from metrics_lake.privacy.redaction import without_addresses

    return without_addresses("".join(traceback.format_exception(error)))


def _lines(error: Exception) -> Iterator[str]:
    if type(error).__module__.startswith("metrics_lake"):
        yield f"metrics-lake: {error}"
    elif trouble := _storage_trouble(error):
        yield f"metrics-lake: {trouble}"
    elif "JAVA_GATEWAY_EXITED" in str(error) or (isinstance(error, FileNotFoundError) and "java" in str(error)):
        yield f"metrics-lake: {_NO_JAVA}"
    elif isinstance(error, PermissionError):
        yield f"metrics-lake: not allowed to write or read {error.filename}; check its owner and mode"
    elif isinstance(error, OSError) and error.errno == EROFS:
        yield f"metrics-lake: {error.filename} is on a disk that is read-only; mount it to be written, or name another place"
    elif isinstance(error, OSError) and error.filename and error.strerror and not is_full(error):
        yield f"metrics-lake: {error.filename}: {error.strerror[:1].lower()}{error.strerror[1:]}"
    elif is_full(error):
        yield "metrics-lake: the disk is full; free some room and run again, nothing is half-written"
    elif match := _WORKER_ERROR.search(str(error)):
        yield f"metrics-lake: {match[1]}{_DEBUG_HINT if _IN_CODE.match(match[1]) else ''}"
    else:
        yield f"metrics-lake: {type(error).__name__}{_condition(error)}{_DEBUG_HINT}"


def is_full(error: BaseException | None) -> bool:
    """Whether the disk is full, as this process, Delta's library or Spark report it."""
    return error is not None and (
        getattr(error, "errno", None) == ENOSPC or _NO_ROOM in str(error) or is_full(error.__cause__)
    )


def _storage_trouble(error: Exception) -> str | None:
    """What Azure's storage refused, if the error of Spark or delta-rs comes from there."""
    from metrics_lake.io.storage.azure import trouble

    return trouble(error)


def _condition(error: Exception) -> str:
    """Spark's name of the error. Its message is left out, because it may quote data."""
    name = getattr(error, "getCondition", lambda: None)()
    return f" ({name})" if name else ""
