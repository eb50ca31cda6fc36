"""2. Raw: every row as it arrived, readable or not, and the manifest of the files it came in."""
