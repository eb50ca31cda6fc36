"""The steps of set-up in their order, each skipped when its stamp says that it is done.

`steps.py check` exits 0 if nothing is to be done, `steps.py setup` does what is missing.
"""

import fcntl
import sys
import time

import jars
import java
import java_classes
import packages
import spark_home
import system

STEPS = (packages, java, jars, spark_home, java_classes)


def wait_for_our_turn() -> object:
    """Two starts at once (make demo beside make test): the second waits for the first."""
    system.CACHE.mkdir(exist_ok=True)
    lock = (system.CACHE / "setup.lock").open("w")
    for second in range(1800):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock  # the kernel lets go when this process ends, however it ends
        except BlockingIOError:
            if second == 0:
                system.say("waiting for another set-up in this folder")
            time.sleep(1)
    raise system.SetupError("another set-up in this folder has been running for 30 minutes")


def setup() -> None:
    lock = wait_for_our_turn()
    for step in STEPS:
        if not step.is_ready():
            step.prepare()
    del lock


def main(verb: str) -> int:
    if verb == "check":
        return 0 if all(step.is_ready() for step in STEPS) else 1
    return system.guarded(setup)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
