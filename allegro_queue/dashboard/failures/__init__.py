"""Failed jobs by what made them fail."""
