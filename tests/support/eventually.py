"""Waiting for a condition instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")


def eventually(condition: Callable[[], Value], within: float = 30, explain: Callable[[], Any] | None = None) -> Value:
    """The first true value of ``condition``, looked at often until ``within`` seconds are over.

    Raises:
        AssertionError: with the last value, and what ``explain`` says (a child's output, say).
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            story = f"\n{explain()}" if explain else ""
            raise AssertionError(f"not so within {within} s; last value {value!r}{story}")
        time.sleep(0.02)
