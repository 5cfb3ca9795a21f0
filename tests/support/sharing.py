"""Which tests a process begins with, when several share them.

Each is given a part of the list, and who is through takes from the end of another's. So the long ones (they watch processes
live and die) are dealt out evenly and stand first in each part: what is left at the end is short, and nobody waits long.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pytest

LONG = Path("tests", "acceptance")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count > 1:
        folder = config.rootpath / LONG
        items[:] = shared(items, [item.path.is_relative_to(folder) for item in items], count)


def shared(tests: Sequence[pytest.Item], are_long: Sequence[bool], count: int) -> list[pytest.Item]:
    """The same tests in ``count`` parts of one length. Those of a file stay together as far as that lets them."""
    long = [test for test, is_long in zip(tests, are_long, strict=True) if is_long]
    short = [test for test, is_long in zip(tests, are_long, strict=True) if not is_long]
    parts: list[list[pytest.Item]] = [[] for _ in range(count)]
    for _, of_file in groupby(long, key=lambda test: test.path):
        min(parts, key=len).extend(of_file)
    begun = 0
    for number, part in enumerate(parts):
        # As many as the process gets: what does not divide evenly goes to the last ones.
        size = (len(tests) - begun) // (count - number)
        taken = max(size - len(part), 0)
        part += short[:taken]
        del short[:taken]
        begun += len(part)
    return [test for part in parts for test in part] + short
