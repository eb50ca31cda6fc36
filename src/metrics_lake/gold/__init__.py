"""4. Answers: one module per metric, each opening with its question."""
