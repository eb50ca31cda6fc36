"""The wheel in a Python of its own with the light packages alone: it answers from documents, and says what else would be needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from metrics_lake.cli.extras import MODULES
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.serve import listening
from tests.unit.cli.test_listening import DAYS
from tests.unit.serve.samples import CALENDAR, days
from tests.unit.serve.test_listening import DATA_STATUS, sketch

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
ASKED = ["--tenant", "acme", "--from", "2001-01-15", "--to", "2001-01-16", "--format", "json"]


@dataclass(frozen=True)
class Light:
    """A folder with settings and documents, and a clean Python beside it."""

    folder: Path
    scripts: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "METRICS_LAKE_"))}
        command = [self.scripts / "metrics-lake", *words]
        return subprocess.run(command, cwd=self.folder, env=clean, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Light:
    folder = tmp_path_factory.mktemp("light")
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        folder,
    ]
    subprocess.run([*wheel, ROOT], check=True, timeout=300)
    venv.create(folder / "clean", with_pip=True)
    pinned = re.findall(r"^[\w.-]+==[^\\\n]+", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    (folder / "pinned.txt").write_text("\n".join(pinned))
    install = [folder / "clean" / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", folder / "pinned.txt"]
    subprocess.run([*install, next(folder.glob("*.whl"))], check=True, timeout=600)
    (folder / "conf").mkdir()
    (folder / "conf" / "tenants.yaml").write_text("tenants: {acme: {timezone: Africa/Johannesburg}}")
    rows = [{**row, "unique_sketch": sketch("abc")} for row in days(DAYS)]
    found = [listening.day_document("acme", row, CALENDAR, DATA_STATUS) for row in rows]
    SqliteDocuments(str(folder / "data" / "documents.db")).upsert(listening.CONTAINER, found)
    return Light(folder, folder / "clean" / "bin")


def test_nothing_of_an_extra_comes_with_the_light_package(light):
    script = f"import importlib.util as i; print([m for m in {sum(MODULES.values(), ())} if i.find_spec(m)])"
    done = subprocess.run([light.scripts / "python", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_light_package_explains_itself_and_each_command(light):
    told = [light.run("--help"), light.run("run", "--help"), light.run("audit", "privacy", "--help")]
    assert all(done.returncode == 0 and "Usage: metrics-lake" in done.stdout for done in told)


def test_the_light_package_answers_from_documents_as_the_whole_one_does(light):
    here = [sys.executable, "-m", "metrics_lake.cli", "listening", *ASKED]
    whole = subprocess.run(here, cwd=light.folder, capture_output=True, text=True, check=True)
    done = light.run("listening", *ASKED)
    assert (done.returncode, done.stderr, done.stdout) == (
        0,
        "",
        whole.stdout,
    ) and '"total_sessions": 1204' in done.stdout


def test_a_job_in_the_light_package_says_in_one_line_what_to_install(light):
    done = light.run("run")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "metrics-lake run needs more packages: pip install 'metrics-lake[lake,spark]'\n"


def test_the_light_package_asks_for_the_python_that_it_runs_on(light):
    script = "import importlib.metadata as m; print(m.metadata('metrics-lake')['Requires-Python'])"
    done = subprocess.run([light.scripts / "python", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ">=3.11"
