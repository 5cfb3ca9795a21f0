"""What happened: run records out of Redis, kept in SQL as runs, metrics, failure groups and tags."""
