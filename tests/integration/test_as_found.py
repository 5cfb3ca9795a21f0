from __future__ import annotations

import signal

from redis import Redis
from setproctitle import getproctitle

from allegro_queue.queues import get_queue
from tests.support.as_found import process_left_as_found
from tests.support.burst import work_off
from tests.support.jobs import nothing


def handlers_and_title() -> list[object]:
    return [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), getproctitle()]


def test_a_worker_in_the_process_of_the_tests_leaves_neither_its_handlers_nor_its_title(redis: Redis):
    before = handlers_and_title()

    with process_left_as_found():
        get_queue("default", redis).enqueue_call(nothing)
        work_off(redis)
        during = handlers_and_title()

    assert all(now != earlier for now, earlier in zip(during, before, strict=True))
    assert handlers_and_title() == before
