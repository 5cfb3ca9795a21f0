"""Masters, supervisors and workers, and the orders that they are given."""
