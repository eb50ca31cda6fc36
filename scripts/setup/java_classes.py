"""Java's classes as Spark needs them, in one file that Java maps into memory: .cache/classes.jsa.

Without it, each start of Spark unpacks, parses and verifies some 20,000 classes anew: half of what a start costs, and of
a short job. Java writes the file at the end of a small run (`java_training.py`), and passes over it in
silence where it isn't of just this Java and these jars.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import jars
import java
import packages
import spark_home
from system import CACHE, ROOT, SetupError, read_text, replace_text, run, say

ARCHIVE = CACHE / "classes.jsa"
STAMP = CACHE / "classes.stamp"
TRAINING = Path(__file__).with_name("java_training.py")


def key() -> str:
    """Changes with Java, the jars and where they lie, and an installation of pyspark."""
    installed = (spark_home.installed() / "jars").stat().st_mtime_ns
    return f"{ROOT}\n{os.path.realpath(java.LINK)}\n{installed}\n{jars.LOCK.read_text()}"


def is_ready() -> bool:
    return read_text(STAMP) == key()


def prepare() -> None:
    say("keeping Java's classes ready for quicker starts, once")
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="training-", dir=CACHE))
    draft = folder / ARCHIVE.name
    ARCHIVE.unlink(missing_ok=True)
    options = [f"JAVA_HOME={java.LINK}", f"SPARK_SUBMIT_OPTS=-XX:ArchiveClassesAtExit={draft}"]
    try:
        run(["env", *options, packages.PYTHON, "-B", TRAINING, folder], seconds=600)
        draft.replace(ARCHIVE)  # whole or not at all: Java crashes on half of one
        say(f"Java's classes ready ({time.monotonic() - began:.0f} s)")
    except (SetupError, OSError) as error:
        print(f"setup: Java's classes could not be kept, so Spark starts slower: {error}", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    replace_text(STAMP, key())
