"""How commands write: rows as table, CSV or JSON; progress; failures in a line."""
