"""Batches and what follows them."""
