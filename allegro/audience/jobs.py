"""The jobs of audience sync."""

from __future__ import annotations


def tick() -> int:
    return 0
