"""Throughput, waits and run times over time."""
