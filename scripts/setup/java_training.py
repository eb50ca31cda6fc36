"""java_training.py FOLDER: the whole job over a few made-up logs, so that Java has loaded what jobs need; then it ends."""

import sys
from pathlib import Path

from metrics_lake.config import settings
from metrics_lake.demo.traffic import Plan, generate
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run


def main(folder: Path) -> None:
    generate(Plan(days=1, sessions_per_day=40, clients=20, mean_minutes=2), folder)
    places = {
        "storage.landing": folder / "landing", "storage.lake": folder / "lake", "storage.rollups": folder / "rollups",
        "documents.path": folder / "documents.db", "privacy.secret_file": folder / "secret",
        "tenants": folder / "tenants.yaml", "spark.driver_memory": "1g",
    }  # fmt: skip
    work = JobContext.of(settings.load(overrides=[f"{key}={value}" for key, value in places.items()]))
    run(work)
    java = work.spark_tables.spark.sparkContext._gateway
    work.spark_tables.spark.stop()
    java.shutdown()
    java.proc.stdin.close()
    java.proc.wait(300)  # it writes its file at its end


if __name__ == "__main__":
    main(Path(sys.argv[1]))
