from __future__ import annotations

from allegro_queue.stores.seats import Seats
from allegro_queue.supervision.limits import Allowance, Wish, deal_out, living, wanted

NO_QUEUE_LIMITS = Seats(total=8)


def test_without_want_nothing_is_explained():
    dealt = deal_out([Wish(queue="", asked=3)], Seats(total=3), NO_QUEUE_LIMITS)

    assert dealt == [Allowance(processes=3)]


def test_what_is_missing_is_explained_by_the_limit_of_the_cluster():
    dealt = deal_out([Wish(queue="", asked=5)], Seats(total=3), NO_QUEUE_LIMITS)

    assert [(each.processes, str(each.explanation)) for each in dealt] == [
        (3, "asked for 5, 3 allowed: the cluster may have 8")
    ]


def test_pools_are_served_in_turn_the_first_ones_first():
    wishes = [Wish(queue="high", asked=4), Wish(queue="default", asked=1), Wish(queue="low", asked=4)]

    assert [each.processes for each in deal_out(wishes, Seats(total=6), NO_QUEUE_LIMITS)] == [3, 1, 2]
    assert [each.processes for each in deal_out(wishes, Seats(total=2), NO_QUEUE_LIMITS)] == [1, 1, 0]


def test_a_limit_of_one_queue_leaves_the_room_to_the_others():
    wishes = [Wish(queue="high", asked=4), Wish(queue="default", asked=4)]
    limits = Seats(total=0, queues={"high": 2})

    dealt = deal_out(wishes, Seats(total=8, queues={"high": 2, "default": 4}), limits)

    assert [each.processes for each in dealt] == [2, 4]
    assert str(dealt[0].explanation) == "asked for 4, 2 allowed: the queue high may have 2"


def test_workers_that_still_finish_a_job_take_up_room():
    wishes = [Wish(queue="high", asked=2, leaving=2, living=4)]

    assert wanted(wishes) == Seats(total=4, queues={"high": 4})
    assert living(wishes) == Seats(total=4, queues={"high": 4})
    assert [each.processes for each in deal_out(wishes, Seats(total=3, queues={"high": 3}), NO_QUEUE_LIMITS)] == [1]
