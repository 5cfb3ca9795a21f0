"""Who did what: one row for each thing that a person, a token or a command changed."""
