"""Submit with spark-submit: the same as `metrics-lake run`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
