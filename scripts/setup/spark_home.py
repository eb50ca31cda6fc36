"""Spark as the installed pyspark has it, but for the zipped copy of pyspark in it, as .cache/spark.

Spark puts that copy before the installed package in each Python process that it starts, and what comes out of a zip is
compiled anew each time: half a second, for five processes before the first line is read.
"""

from pathlib import Path

from system import CACHE, VENV

HOME = CACHE / "spark"
PARTS = ("bin", "jars")


def installed() -> Path:
    """Where pyspark lies; the packages are there by now."""
    return next(VENV.glob("lib/python3.*/site-packages/pyspark"), VENV / "pyspark")


def is_ready() -> bool:
    return all((HOME / part).exists() and (HOME / part).samefile(installed() / part) for part in PARTS)


def prepare() -> None:
    spark = installed()
    HOME.mkdir(exist_ok=True)
    for part in PARTS:
        draft = HOME / f"{part}.new"
        draft.unlink(missing_ok=True)
        draft.symlink_to(spark / part)
        draft.replace(HOME / part)
