"""`python -m metrics_lake.cli` is `metrics-lake`."""

from metrics_lake.cli.app import main

if __name__ == "__main__":
    main()
