"""Law 4: what thinks neither asks the time nor looks around, and three modules alone read the environment."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.rules.reading import SRC, dotted, imports, modules, name, tree

THINKING = modules("sources", "bronze", "silver", "gold")
_CLOCK = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime|sleep)"
    r"|F\.(now|current_timestamp|current_date|localtimestamp|unix_timestamp|rand|randn|uuid))$"
)
_SPARK_ACTIONS = {"collect", "show", "toPandas", "toLocalIterator", "printSchema", "foreach"}
_ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
_DICE = {"time", "random", "uuid", "secrets"}


def called(path: Path) -> list[str]:
    return [dotted(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


def methods(path: Path) -> set[str]:
    calls = (node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    return {func.attr for func in calls if isinstance(func, ast.Attribute)}


def used(path: Path) -> set[str]:
    return {dotted(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)} | set(imports(path))


def test_what_thinks_asks_no_clock_and_throws_no_dice():
    assert not [(name(path), call) for path in THINKING for call in called(path) if _CLOCK.search(call)]
    assert not [
        (name(path), imported) for path in THINKING for imported in imports(path) if imported.split(".")[0] in _DICE
    ]


def test_what_thinks_neither_runs_queries_nor_prints():
    assert not [(name(path), names) for path in THINKING if (names := _SPARK_ACTIONS & methods(path))]
    assert not [name(path) for path in THINKING if "print" in called(path)]


def test_settings_secrets_and_one_module_beside_them_alone_read_the_environment():
    readers = {SRC / "config" / "settings.py", SRC / "config" / "secrets.py", SRC / "config" / "process_env.py"}
    others = [path for path in modules() if path not in readers]
    assert not [(name(path), names) for path in others if (names := _ENVIRONMENT & used(path))]
    assert all("os.environ" in used(path) for path in readers)


_SECRETS = re.compile(r"^metrics_lake\.config\.secrets(\.|$)|^metrics_lake\.privacy\.salts\.read$")
_READS_A_SECRET = re.compile(r"(^|\.)(read_secret|salts\.read|\w*settings\.secret)$")


def test_what_thinks_reads_no_secret_but_gets_it_with_a_hasher():
    thinking = [*THINKING, *modules("serve")]
    assert not [(name(path), each) for path in thinking for each in imports(path) if _SECRETS.search(each)]
    assert not [(name(path), each) for path in thinking for each in called(path) if _READS_A_SECRET.search(each)]


@pytest.mark.parametrize(
    "code", ["read_secret(file)", "salts.read(file)", "secrets.read_secret(file)", "settings.secret()"]
)
def test_the_reading_of_a_secret_would_be_seen(code):
    assert _READS_A_SECRET.search(dotted(ast.parse(code, mode="eval").body.func))


def test_what_a_reader_is_told_are_a_folder_a_module_and_a_number_and_never_a_key():
    calls = [node for node in ast.walk(tree(SRC / "io" / "landing" / "intake.py")) if isinstance(node, ast.Call)]
    options = [
        call.args[0].value for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "option"
    ]
    assert set(options) == {"manifest", "feed", "after", "checkpointLocation"}


def test_below_the_jobs_nobody_asks_the_clock():
    above = ("cli", "jobs", "demo", "audit")
    below = [path for path in modules() if path.relative_to(SRC).parts[0] not in above]
    assert not [(name(path), call) for path in below for call in called(path) if _CLOCK.search(call)]


@pytest.mark.parametrize(
    "code", ["datetime.now(timezone.utc)", "dt.datetime.now()", "date.today()", "time.time()", "F.current_timestamp()"]
)
def test_a_clock_would_be_seen(code):
    assert _CLOCK.search(dotted(ast.parse(code, mode="eval").body.func))


# Names that came with a Python newer than the oldest one we promise to run under, and that no linter here knows of.
_TOO_NEW = {
    "hashlib.file_digest", "datetime.UTC", "enum.StrEnum", "typing.Self", "typing.assert_never", "typing.Never",
    "typing.LiteralString", "typing.override", "itertools.batched", "contextlib.chdir", "asyncio.TaskGroup", "asyncio.timeout",
    "math.cbrt", "math.exp2", "operator.call",
}  # fmt: skip


def test_nothing_needs_a_newer_python_than_is_promised():
    assert not [(name(path), names) for path in modules() if (names := _TOO_NEW & used(path))]
    assert not [
        name(path) for path in modules() if any(imported.split(".")[0] == "tomllib" for imported in imports(path))
    ]
