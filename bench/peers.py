"""Other queues over Redis, set up like ours: one process that runs one job at a time, takes a job anew when it dies in
between, and keeps results. They are installed by ``pip install -r bench/requirements.txt``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from redis import Redis

PEERS = {each: find_spec(each) is not None for each in ("celery", "dramatiq")}
"""Which of them are installed."""

begun: list[float] = []
"""When the first job ran, and the last one."""


def nothing() -> None:
    """Notes the time: these keep no start of their own."""
    if not begun:
        begun.append(time.time())
    begun[1:] = [time.time()]


def celery_app(port: int) -> Any:
    from celery import Celery

    url = f"redis://127.0.0.1:{port}/0"
    app = Celery("bench", broker=url, backend=url)
    app.conf.update(
        task_acks_late=True,
        task_default_queue="default",
        task_serializer="json",
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
    )
    app.task(name="nothing")(nothing)
    return app


def dramatiq_actor(port: int) -> Any:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker
    from dramatiq.results import Results
    from dramatiq.results.backends import RedisBackend

    broker = RedisBroker(host="127.0.0.1", port=port)
    broker.add_middleware(Results(backend=RedisBackend(host="127.0.0.1", port=port)))
    dramatiq.set_broker(broker)
    return dramatiq.actor(nothing, actor_name="nothing", queue_name="default", store_results=True)


def fill(kind: str, port: int, count: int) -> None:
    """Queue so many jobs."""
    if kind == "celery":
        task = celery_app(port).tasks["nothing"]
        for _ in range(count):
            task.delay()
    else:
        actor = dramatiq_actor(port)
        for _ in range(count):
            actor.send()


def results(redis: Redis, kind: str) -> int:
    """Jobs whose results are kept."""
    # Dramatiq keeps a result under 32 hexadecimal digits.
    pattern = {"celery": "celery-task-meta-*", "dramatiq": "?" * 32}[kind]
    return sum(1 for _ in redis.scan_iter(pattern, count=10_000))


def prepare(kind: str, port: int) -> Callable[[threading.Event], None]:
    """A worker that works until the event is set."""
    if kind == "celery":
        app = celery_app(port)

        def work(done: threading.Event) -> None:
            from celery.worker import WorkController, state

            worker = WorkController(
                app=app, pool_cls="solo", concurrency=1, queues="default", loglevel="ERROR",
                without_gossip=True, without_mingle=True, without_heartbeat=True,
            )  # fmt: skip

            def leave() -> None:
                done.wait()
                state.should_stop = 0

            threading.Thread(target=leave, daemon=True).start()
            worker.start()

        return work
    actor = dramatiq_actor(port)

    def work_with_dramatiq(done: threading.Event) -> None:
        from dramatiq import Worker

        worker = Worker(actor.broker, queues={"default"}, worker_threads=1)
        worker.start()
        done.wait()
        worker.stop()

    return work_with_dramatiq
