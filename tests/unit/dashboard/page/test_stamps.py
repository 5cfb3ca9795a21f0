"""How long what a reader has of a page is taken for unchanged."""

from __future__ import annotations

import pytest

from allegro_queue.dashboard.page.stamps import HELD_SECONDS, Tag, drawn, read_tag, stamp_of

NOW = 1_790_000_000.0


def test_a_tag_reads_as_it_was_written() -> None:
    tag = drawn(b"<p>3 wait</p>", stamp_of(["abc", 7]), NOW)

    assert read_tag(str(tag)) == tag


def test_a_proxy_that_made_the_tag_a_weak_one_changes_nothing() -> None:
    tag = drawn(b"<p>3 wait</p>", "ab12", NOW)

    assert read_tag(f"W/{tag}") == tag


@pytest.mark.parametrize(
    "given", ["", "*", '"abc"', '"1-ab.cd", "2-ab.cd"', '"-ab.cd"', '"1-ab."', '"9999999999999999-a.b"']
)
def test_what_is_no_tag_of_ours_is_none(given: str) -> None:
    assert read_tag(given) is None


@pytest.mark.parametrize(
    ("stamp", "seconds", "holds"),
    [
        ("ab12", 0.0, True),
        ("ab12", HELD_SECONDS - 0.1, True),
        ("ab12", HELD_SECONDS, False),
        ("ab12", -1.0, False),
        ("cd34", 1.0, False),
    ],
)
def test_it_holds_for_seconds_and_under_the_same_stamp_only(stamp: str, seconds: float, holds: bool) -> None:
    assert drawn(b"", "ab12", NOW).holds(stamp, NOW + seconds) is holds


def test_what_lacked_something_never_holds() -> None:
    assert not Tag(drawn_ms=int(NOW * 1000), stamp="", body="ab").holds("", NOW)


def test_what_time_alone_changes_is_held_back_for_less_than_a_quarter_of_a_minute() -> None:
    assert HELD_SECONDS < 15


def test_the_tokens_of_forms_make_no_page_another_one() -> None:
    form = '<form><input type="hidden" name="csrfmiddlewaretoken" value="{}"></form><p>{}</p>'

    bodies = [drawn(form.format(*each).encode(), "", NOW).body for each in (("abc", 1), ("def", 1), ("abc", 2))]

    assert bodies[0] == bodies[1] != bodies[2]


@pytest.mark.parametrize("other", [["a", "bc"], ["ab", "c", None], ["ab", ["c"]]])
def test_parts_that_differ_make_another_stamp(other: list[object]) -> None:
    assert stamp_of(["ab", "c"]) != stamp_of(other)
