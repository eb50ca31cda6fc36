"""Law 2: what answers people directly never loads Spark, even indirectly."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SPY = "import sys; heavy = sorted(n for n in sys.modules if n.split('.')[0] in ('pyspark', 'py4j', 'delta')); "
_CLI = """
from metrics_lake.cli import main
try:
    main({arguments})
except SystemExit as ended:
    assert ended.code == 0, ended.code
"""
_LISTENING = ["listening", "--tenant", "acme", "--from", "2001-01-15", "--to", "2001-01-16"]
_DOWNLOADS = ["downloads", *_LISTENING[1:]]
PROCESSES = {
    "ranges": "import metrics_lake.serve.query, metrics_lake.io.documents.open_store",
    "cosmos": "import metrics_lake.io.documents.cosmos",
    "parsing": "import metrics_lake.sources.haproxy, metrics_lake.bronze.haproxy, metrics_lake.bronze.store_reports",
    "the catalogue": "import metrics_lake.catalog; assert len(metrics_lake.catalog.tables()) > 10",
    "figures of a few sessions": "import metrics_lake.jobs.compute, metrics_lake.jobs.refine",
    "planning a batch": "import metrics_lake.io.landing.intake, metrics_lake.jobs.context",
    "help": _CLI.format(arguments=["listening", "--help"]),
    "listening": _CLI.format(arguments=_LISTENING),
    "downloads": _CLI.format(arguments=_DOWNLOADS),
}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_light_process_never_loads_spark(process, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "tenants.yaml").write_text(
        "tenants: {acme: {name: Acme, timezone: UTC, apps: [{store: apple, id: '1', name: Acme}]}}"
    )
    script = f"{PROCESSES[process]}\n{_SPY}assert not heavy, heavy[:5]"
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_what_spark_asks_a_source_is_answered_without_what_only_reading_needs():
    heavy = "('polars', 'pydantic', 'deltalake', 'azure')"
    script = f"import sys, metrics_lake.io.landing.reader; print([n for n in sys.modules if n in {heavy}])"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]", "six processes, one after the other, load this at every start of a stream"


def test_a_run_with_nothing_new_on_a_disk_loads_nothing_of_azure(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "tenants.yaml").write_text("tenants: {acme: {name: Acme, timezone: UTC}}")
    (tmp_path / "data" / "landing").mkdir(parents=True)
    spy = "import sys; assert 'metrics_lake.jobs.run' in sys.modules and 'azure' not in sys.modules"
    script = f"{_CLI.format(arguments=['run'])}\n{spy}"
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
