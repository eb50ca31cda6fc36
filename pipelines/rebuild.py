"""Submit with spark-submit: the same as `metrics-lake rebuild`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["rebuild", *sys.argv[1:]])
