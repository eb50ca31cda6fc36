"""Submit with spark-submit: the same as `metrics-lake upkeep`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["upkeep", *sys.argv[1:]])
