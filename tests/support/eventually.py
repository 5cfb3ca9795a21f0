"""Waiting for a condition instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")

LONGEST_PAUSE = 0.2


def eventually(condition: Callable[[], Value], within: float = 30, explain: Callable[[], Any] | None = None) -> Value:
    """The first true value of ``condition``, looked at often until ``within`` seconds are over.

    The pauses grow with what a look takes and with the time waited: looking must not slow down what is waited for.

    Raises:
        AssertionError: with the last value, and what ``explain`` says (a child's output, say).
    """
    start = time.monotonic()
    while True:
        began = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > start + within:
            story = f"\n{explain()}" if explain else ""
            raise AssertionError(f"not so within {within} s; last value {value!r}{story}")
        time.sleep(min(max(0.02, 3 * (now - began), (now - start) / 20), LONGEST_PAUSE))
