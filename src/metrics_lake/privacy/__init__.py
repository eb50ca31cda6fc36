"""Keys, salts, hashing and redaction. docs/privacy.md lists the code that has a key or sees an address."""
