from __future__ import annotations

import pytest
from redis import Redis

from allegro_queue.stores import Stores
from allegro_queue.stores.seats import Seats

LIMIT = Seats(total=8)
NONE = Seats()


def claim(stores: Stores, master: str, want: int, have: int = 0, limits: Seats = LIMIT) -> int:
    return stores.seats.claim(master, wanted=Seats(total=want), living=Seats(total=have), limits=limits).total


def test_masters_share_the_limit_the_first_ones_first(stores: Stores):
    assert claim(stores, "a", 5) == 5
    assert claim(stores, "b", 5) == 3
    assert claim(stores, "c", 1) == 0
    assert claim(stores, "a", 2, have=2) == 2
    assert claim(stores, "c", 4) == 3


def test_the_room_of_a_worker_that_has_not_left_yet_is_not_given_away(stores: Stores):
    claim(stores, "a", 8)
    assert claim(stores, "a", 2, have=8) == 2

    assert claim(stores, "b", 5) == 0
    claim(stores, "a", 2, have=2)
    assert claim(stores, "b", 5) == 5


def test_the_room_of_a_master_that_left_or_fell_silent_is_free(
    stores: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    claim(stores, "a", 5)
    stores.seats.free("a")
    assert claim(stores, "b", 8) == 8

    monkeypatch.setattr("allegro_queue.stores.seats.CLAIM_LIFE", 0)
    claim(stores, "b", 8)
    assert claim(stores, "c", 8) == 8
    assert redis.hkeys(stores.keys.seats) == [b"c"]


def test_each_queue_has_its_own_limit(stores: Stores):
    limits = Seats(queues={"high": 2})
    wanted = Seats(total=6, queues={"high": 3, "default": 3})

    first = stores.seats.claim("a", wanted=wanted, living=NONE, limits=limits)
    second = stores.seats.claim("b", wanted=wanted, living=NONE, limits=limits)

    assert first == Seats(total=6, queues={"high": 2, "default": 3})
    assert second == Seats(total=6, queues={"high": 0, "default": 3})
