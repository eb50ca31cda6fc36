"""Invented radio traffic with known answers: for `make demo`, tests and benches. Nothing here is product code."""
