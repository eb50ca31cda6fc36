"""Law 4: what thinks neither asks the time nor looks around, and settings alone read the environment."""

from __future__ import annotations

import ast
import re

import pytest

from tests.rules.reading import SRC, dotted, imports, modules, name, tree

THINKING = modules("sources", "bronze", "silver", "gold")
_CLOCK = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime|sleep)"
    r"|F\.(now|current_timestamp|current_date|localtimestamp|unix_timestamp|rand|randn|uuid))$"
)
_SPARK_ACTIONS = {"collect", "show", "toPandas", "toLocalIterator", "printSchema", "foreach"}


def calls(path):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", THINKING, ids=name)
def test_what_thinks_asks_no_clock_and_throws_no_dice(path):
    assert not [dotted(call.func) for call in calls(path) if _CLOCK.search(dotted(call.func))]
    assert not {"time", "random", "uuid", "secrets"} & {each.split(".")[0] for each in imports(path)}


@pytest.mark.parametrize("path", THINKING, ids=name)
def test_what_thinks_neither_runs_queries_nor_prints(path):
    named = [call.func.attr for call in calls(path) if isinstance(call.func, ast.Attribute)]
    assert not _SPARK_ACTIONS & set(named)
    assert "print" not in [dotted(call.func) for call in calls(path)]


@pytest.mark.parametrize("path", [path for path in modules() if path != SRC / "settings.py"], ids=name)
def test_settings_alone_read_the_environment(path):
    used = {dotted(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    assert not {"os.environ", "os.getenv", "os.putenv", "os.environb"} & used
    assert not {"os.environ", "os.getenv"} & set(imports(path))


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if path.relative_to(SRC).parts[0] not in ("cli", "jobs", "demo", "audit")],
    ids=name,
)
def test_below_the_jobs_nobody_asks_the_clock(path):
    assert not [dotted(call.func) for call in calls(path) if _CLOCK.search(dotted(call.func))]


# Names that came with a Python newer than the oldest one we promise to run under, and that no linter here knows of.
_TOO_NEW = {
    "hashlib.file_digest", "datetime.UTC", "dt.UTC", "enum.StrEnum", "typing.Self", "typing.assert_never", "typing.Never",
    "typing.LiteralString", "typing.override", "itertools.batched", "contextlib.chdir", "asyncio.TaskGroup", "asyncio.timeout",
    "datetime.datetime.UTC", "math.cbrt", "math.exp2", "operator.call", "Path.walk",
}  # fmt: skip


@pytest.mark.parametrize("path", modules(), ids=name)
def test_nothing_needs_a_newer_python_than_is_promised(path):
    used = {dotted(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)} | set(imports(path))
    assert not used & _TOO_NEW and not {each.split(".")[0] for each in used} & {"tomllib"}
