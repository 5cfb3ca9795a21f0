"""The schedule's entries."""
