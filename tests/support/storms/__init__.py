"""Storms: real processes under real faults, and the accounts afterwards. Short ones are tests, long ones a benchmark.

``ground`` is what a storm happens on; ``kills`` are faults of processes, ``outages`` faults of Redis.
"""
