"""What tables, metrics, dimensions and periods are. No IO, no Spark."""
