"""One batch through a feed whose worker is killed once: one_death.py FOLDER, with a world in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[3])
sys.path.insert(0, ROOT)
os.environ["PYTHONPATH"] = ROOT  # of the workers

from metrics_lake.bronze.haproxy import FEED  # noqa: E402
from metrics_lake.io.landing.intake import Intake  # noqa: E402
from metrics_lake.io.landing.local_landing import LocalLanding  # noqa: E402
from metrics_lake.jobs.context import JobContext  # noqa: E402
from metrics_lake.jobs.ingest import _rules as rules_of_batch  # noqa: E402
from tests.lake.conftest import lake_settings  # noqa: E402
from tests.lake.faults import dying  # noqa: E402

folder = Path(sys.argv[1])
work = JobContext.create(lake_settings(folder, folder / "landing", folder / "tenants.yaml", "spark.driver_memory=1g"))
assert work.intake(FEED).plan(LocalLanding(folder / "landing"), rules_of_batch(work, ""), 1 << 30)
(folder / "landing" / "haproxy" / dying.BAIT).write_text(f"{folder / 'killed'}\nonce")
stream = Intake(dying.FEED, f"{work.checkpoints}/ingest_haproxy", str)
stream.read(work.spark_tables.spark, work.spark_tables.path(FEED.table), lambda done, parts: None, is_small=True)
sys.stdout.write(f"batch {work.intake(FEED).committed} is in the table\n")
