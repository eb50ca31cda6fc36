"""Submit with spark-submit: the same as `metrics-lake backfill --from D --to D`, options included."""

import sys

from metrics_lake.cli import main

if __name__ == "__main__":
    main(["backfill", *sys.argv[1:]])
