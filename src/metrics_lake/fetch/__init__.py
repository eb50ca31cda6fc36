"""Brings the stores' reports into landing: asks for what is new, makes plain UTF-8 of it, and lands it whole or not at all."""
