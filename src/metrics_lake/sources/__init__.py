"""1. Outside: one module per feed, lines in and rows out, pure Polars, without Spark."""
