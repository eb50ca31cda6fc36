"""Exact and private listening figures from HAProxy logs, on Spark and Delta."""

__version__ = "0.1.0"
