from __future__ import annotations

import pytest

from allegro_queue.history.groups import GroupState, Standing, after_failure, mark

NOON = 1_790_000_000.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Standing(GroupState.NEW), Standing(GroupState.NEW)),
        (Standing(GroupState.KNOWN), Standing(GroupState.KNOWN)),
        (Standing(GroupState.AGAIN), Standing(GroupState.AGAIN)),
        (Standing(GroupState.MUTED, NOON + 1), Standing(GroupState.MUTED, NOON + 1)),
        (Standing(GroupState.MUTED, NOON), Standing(GroupState.KNOWN)),
        (Standing(GroupState.RESOLVED), Standing(GroupState.AGAIN)),
    ],
)
def test_what_a_failure_makes_of_a_group(before: Standing, after: Standing) -> None:
    assert after_failure(before, NOON) == after


def test_a_failure_from_before_it_was_mended_does_not_bring_it_back() -> None:
    resolved = Standing(GroupState.RESOLVED)

    assert after_failure(resolved, NOON, resolved_at=NOON + 1) == resolved
    assert after_failure(resolved, NOON, resolved_at=NOON - 1).state is GroupState.AGAIN


def test_a_group_is_news_when_it_is_new_or_back() -> None:
    assert [state.value for state in GroupState if Standing(state).is_told] == ["new", "again"]


def test_what_only_a_failure_makes_cannot_be_set_by_hand() -> None:
    with pytest.raises(ValueError, match="by a failure, not by hand"):
        mark(["x"], GroupState.AGAIN, by="ada", now=NOON)
    with pytest.raises(ValueError, match="until a time to come"):
        mark(["x"], GroupState.MUTED, by="ada", now=NOON, until=NOON)
