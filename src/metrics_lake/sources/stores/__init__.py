"""The app stores' reports."""
