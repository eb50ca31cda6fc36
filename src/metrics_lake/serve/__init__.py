"""5. People: rows of gold become the JSON and the documents that frontends read."""
