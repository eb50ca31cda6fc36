"""Submit with spark-submit: the same as `metrics-lake compute`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["compute", *sys.argv[1:]])
