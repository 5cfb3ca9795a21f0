"""What is remembered from one look to the next."""

from __future__ import annotations

from allegro_queue.alerts.watching import Memory, masters_seen, read_memory, workers_told
from tests.support import records
from tests.support.facts import NOW

ONE = records.master(NOW, name="web-1-aa", host="web-1")
TWO = records.master(NOW, name="web-2-bb", host="web-2")


def seen(
    *masters: object, left: frozenset[str] = frozenset(), memory: Memory | None = None, now: float = NOW
) -> Memory:
    return masters_seen(memory or Memory(), masters, left, now)  # type: ignore[arg-type]


def test_a_master_that_is_gone_without_a_word_is_lost():
    assert [each.name for each in seen(TWO, memory=seen(ONE, TWO)).lost] == ["web-1-aa"]


def test_a_master_that_took_its_leave_is_not():
    assert seen(TWO, memory=seen(ONE, TWO), left=frozenset({"web-1-aa"})).lost == ()


def test_it_is_over_when_another_one_runs_on_its_host():
    lost = seen(TWO, memory=seen(ONE, TWO))

    assert seen(TWO, memory=lost).lost == lost.lost
    assert seen(TWO, records.master(NOW, name="web-1-cc", host="web-1"), memory=lost).lost == ()


def test_it_is_over_when_it_is_back():
    assert seen(ONE, TWO, memory=seen(TWO, memory=seen(ONE, TWO))).lost == ()


def test_it_is_no_news_after_a_day():
    lost = seen(TWO, memory=seen(ONE, TWO))

    assert seen(TWO, memory=lost, now=NOW + 86_401).lost == ()


def test_what_is_remembered_is_the_same_after_a_restart():
    memory = workers_told(seen(TWO, memory=seen(ONE, TWO)), [records.lost(NOW)])[0]

    assert read_memory(memory.as_json()) == memory


def test_a_death_is_told_once_and_those_from_before_not_at_all():
    before, first, second = (
        records.lost(NOW, name=name, lost_at=NOW + at) for name, at in (("a", 0), ("b", 1), ("c", 2))
    )

    memory, told = workers_told(Memory(), [before])
    assert told == []
    memory, told = workers_told(memory, [second, first, before])
    assert told == [first, second]
    assert workers_told(memory, [second, first, before])[1] == []
