"""What the filter box of the jobs page understands."""
