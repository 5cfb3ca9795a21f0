"""A Redis server that answers late, because it is made to wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis


@contextmanager
def kept_busy(redis: Redis) -> Iterator[None]:
    """The server lets everybody wait, again and again."""
    done = threading.Event()
    other = Redis(connection_pool=redis.connection_pool)

    def work() -> None:
        while not done.is_set():
            # It waits itself until the pause before is over; whoever waited with it is answered then.
            other.client_pause(150)

    busy = threading.Thread(target=work)
    busy.start()
    try:
        yield
    finally:
        done.set()
        busy.join()
