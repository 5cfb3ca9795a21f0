from __future__ import annotations

import pytest
from redis import Redis

from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction


def test_words_are_taken_once_and_in_order(stores: Stores):
    paused = Instruction(control=Control.PAUSE, supervisor="one", until=5.5, by="anna", reason="maintenance")
    stores.controls.send("web", Control.RESTART)
    stores.controls.instruct("web", paused)
    killed = Instruction(control=Control.KILL, worker="web-1.4121.ab12", by="anna", reason="stuck")
    stores.controls.instruct("web", killed)

    assert stores.controls.take("web") == [Instruction(control=Control.RESTART), paused, killed]
    assert stores.controls.take("web") == []


@pytest.mark.parametrize(
    "word", ["dance", "{", "{}", '{"control": "dance"}', '{"control": "pause", "mood": "fine"}', b"\xff"]
)
def test_a_word_that_is_not_understood_is_left_out(word: str | bytes, stores: Stores, redis: Redis):
    redis.rpush(stores.keys.controls("web"), word)
    stores.controls.send("web", Control.PAUSE)

    assert stores.controls.take("web") == [Instruction(control=Control.PAUSE)]


def test_a_supervisors_pause_is_kept_until_it_is_dropped_or_over(stores: Stores):
    one = Instruction(control=Control.PAUSE, supervisor="one", reason="maintenance")
    two = Instruction(control=Control.PAUSE, supervisor="two", until=50)
    for each in (two, one, one):
        stores.controls.keep(each)

    assert stores.controls.kept(now=49) == [one, two]
    assert stores.controls.kept(now=50) == [one]
    stores.controls.drop("one")
    assert stores.controls.kept(now=49) == [two]
    stores.controls.drop()
    assert stores.controls.kept(now=49) == []


def test_what_people_write_along_with_a_word_is_one_line(stores: Stores):
    stores.controls.instruct(
        "web", Instruction(control=Control.KILL, worker="w", by="ada", reason="stuck\n2026 INFO forged " + "x" * 500)
    )

    (told,) = stores.controls.take("web")

    assert told.reason.startswith("stuck 2026 INFO forged x")
    assert len(told.reason) == 200
