"""Submit with spark-submit: the same as `metrics-lake ingest`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["ingest", *sys.argv[1:]])
