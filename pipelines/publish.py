"""Submit with spark-submit: the same as `metrics-lake publish`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["publish", *sys.argv[1:]])
