"""Numbers and times as people read them."""

from __future__ import annotations

import pytest

from allegro_queue.dashboard.page import formats


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (-3.0, "0 ms"),
        (0.0384, "38 ms"),
        (0.9996, "1 s"),
        (1.25, "1.2 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (414, "6 min 54 s"),
        (7380, "2 h 3 min"),
        (50 * 3600, "2 d 2 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float | None, shown: str) -> None:
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ("–", "")),
        (0.5, ("500", "ms")),
        (59.7, ("1:00", "min")),
        (414, ("6:54", "min")),
        (3600 * 3 + 120, ("3:02", "h")),
        (3 * 86_400, ("3", "d")),
    ],
)
def test_a_figure_has_one_unit(seconds: float | None, shown: tuple[str, str]) -> None:
    assert formats.measure(seconds) == shown


@pytest.mark.parametrize(
    ("per_minute", "shown"), [(0.0, "0"), (0.01, "<0.1"), (0.5, "0.5"), (9.0, "9"), (41.6, "42"), (12431.0, "12,431")]
)
def test_a_rate_is_never_nought_for_what_is_more_than_nothing(per_minute: float, shown: str) -> None:
    assert formats.rate(per_minute) == shown


def test_a_beat_of_a_moment_ago_does_not_count_its_seconds() -> None:
    assert [formats.ago(100 - age, 100) for age in (0, 4, 12, 300)] == ["just now", "just now", "12 s ago", "5 min ago"]


def test_names_are_listed_as_in_a_sentence() -> None:
    assert [formats.in_words(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_the_module_of_a_function_keeps_its_last_dot() -> None:
    assert formats.function_parts("shop.jobs.pay") == ("shop.jobs.", "pay")
    assert formats.function_parts("pay") == ("", "pay")
