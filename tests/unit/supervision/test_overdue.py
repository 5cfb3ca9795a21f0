from __future__ import annotations

from allegro_queue.supervision.overdue import GRACE_SECONDS, is_overdue


def test_a_child_is_overdue_when_its_alarm_had_its_chance():
    assert not is_overdue(100, now=100 + GRACE_SECONDS - 0.1)
    assert is_overdue(100, now=100 + GRACE_SECONDS + 0.1)


def test_a_child_without_a_deadline_never_is():
    assert not is_overdue(0, now=1e9)
