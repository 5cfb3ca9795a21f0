"""Alerts and their book."""
