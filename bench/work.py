"""One worker of one kind, in a process of its own; says what it used of the processor. Started by ``worker.py``."""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable

import django
import peers
from django.conf import settings
from django.db import connections

QUEUES = ["high", "default", "audience-sync"]


def configure(port: int) -> None:
    """The least that the library asks of a Django project."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        HORIZON={"allowed_jobs": ["noop"]},
        INSTALLED_APPS=["django_rq", "allegro_queue"],
        RQ_QUEUES={
            name: {"HOST": "127.0.0.1", "PORT": port, "DB": 0, "SERIALIZER": "rq.serializers.JSONSerializer"}
            for name in QUEUES
        },
        USE_TZ=True,
    )
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("rq").setLevel(logging.WARNING)
    django.setup()


def used() -> float:
    """Seconds of the processor that this process and its children have used."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in parts)


def prepare(kind: str, port: int) -> Callable[[bool], None]:
    """Load everything, so that it is not counted as work."""
    if kind in peers.PEERS:
        done = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: done.set())
        work = peers.prepare(kind, port)
        return lambda burst: work(done)
    import noop  # noqa: F401
    from rq import Queue, SimpleWorker, Worker
    from rq.serializers import JSONSerializer

    from allegro_queue.connection import client
    from allegro_queue.workers import plain
    from allegro_queue.workers.child import make_worker
    from allegro_queue.workers.names import new_token

    if kind == "unrecorded":
        vars(plain).update(run_text=lambda *_: "", call_of=lambda _: "")

    def run(burst: bool) -> None:
        """Work until the queues are empty, or for ever."""
        if kind == "bare":
            run_bare()
        elif kind in ("ours", "unrecorded"):
            worker = make_worker(QUEUES, name=f"bench.1.{new_token()}")
            assert worker is not None
            worker.work(burst=burst)
        else:
            redis = client()
            queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in QUEUES]
            kinds = {"simple": SimpleWorker, "worker": Worker}
            kinds[kind](queues, connection=redis, serializer=JSONSerializer).work(burst=burst, logging_level="WARNING")

    return run


def run_bare() -> None:
    """Send the steps that our worker sends, and do nothing between them: the most that any worker could reach."""
    from allegro_queue.connection import client
    from allegro_queue.stores import open_stores
    from allegro_queue.stores.steps import Finish, StepStore

    redis = client()
    steps = StepStore(redis, open_stores(redis).keys, "bench.1.bare", QUEUES)
    finish = None
    number = 0
    while True:
        number += 1
        _, taken = steps.step(finish, f"{number:032x}")
        if taken is None:
            return
        run = "x" * 280
        finish = Finish(taken.held, time.time_ns() // 1000, 500, False, 0.1, 1000.0, "noop.nothing", b"", run)


if __name__ == "__main__":
    kind, port, burst = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "burst"
    configure(port)
    connections.close_all()
    run = prepare(kind, port)
    before = used()
    run(burst)
    print(json.dumps({"processor": used() - before, "seconds": peers.begun[1] - peers.begun[0] if peers.begun else 0}))
