"""Submit with spark-submit: the same as `metrics-lake refine`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["refine", *sys.argv[1:]])
