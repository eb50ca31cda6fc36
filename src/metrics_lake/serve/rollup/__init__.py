"""The JSON that a frontend reads."""
