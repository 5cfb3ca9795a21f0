from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sharing import shared


@dataclass(frozen=True)
class Some:
    """A test, as far as its place in the list goes."""

    path: Path
    number: int


def made_up(*sizes: int) -> list[Any]:
    return [Some(Path(f"test_{file}.py"), number) for file, size in enumerate(sizes) for number in range(size)]


def test_each_test_is_run_by_one_process_and_each_begins_with_long_ones() -> None:
    tests = made_up(3, 5, 2, 4, 20, 7)

    found = shared(tests, [int(test.path.stem[-1]) < 4 for test in tests], 4)

    assert sorted(found, key=lambda test: (test.path, test.number)) == tests
    # 41 tests, of which each process gets ten or eleven.
    assert [found[place].path.stem for place in (0, 10, 20, 30)] == ["test_0", "test_1", "test_2", "test_3"]


def test_more_long_tests_than_a_part_holds_are_none_the_less_all_run() -> None:
    tests = made_up(30, 2, 1)

    found = shared(tests, [test.path.stem == "test_0" for test in tests], 4)

    assert sorted(found, key=lambda test: (test.path, test.number)) == tests
