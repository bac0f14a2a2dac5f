"""What was due, what was done and what was seen, kept over restarts: SQLite."""
