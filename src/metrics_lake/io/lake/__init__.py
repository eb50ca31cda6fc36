"""Delta tables, with Spark and without."""
