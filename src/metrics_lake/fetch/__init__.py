"""Copies the app stores' reports into landing: requests what is new, decodes it to UTF-8, and lands it whole or not at all."""
