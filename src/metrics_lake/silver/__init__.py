"""3. Clean: one module per table."""
