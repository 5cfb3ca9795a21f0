"""Queue names to RQ queues, through django-rq's settings and the library's one client."""

from __future__ import annotations

import django_rq
from redis import Redis
from rq.queue import Queue

from allegro_queue.conf import horizon_settings, queue_configs
from allegro_queue.connection import client
from allegro_queue.errors import UnknownQueue, did_you_mean
from allegro_queue.jobs import HorizonJob
from allegro_queue.plan import Plan, build_plan
from allegro_queue.supervisor_options import planned_queues


def get_queue(name: str, connection: Redis | None = None) -> Queue:
    """The RQ queue of this name.

    Raises:
        UnknownQueue: ``RQ_QUEUES`` does not have it; the message names the nearest that it has.
    """
    check_queue(name)
    return django_rq.get_queue(
        name,
        connection=connection if connection is not None else client(),
        commit_mode="auto",
        job_class=HorizonJob,
    )


def check_queue(name: str) -> None:
    """Raise ``UnknownQueue`` unless ``RQ_QUEUES`` has the name."""
    known = queue_configs()
    if name not in known:
        raise UnknownQueue(f"There is no queue {name!r} in RQ_QUEUES{did_you_mean(name, known)}")


def current_plan() -> Plan:
    """The plan of the settings as they are now.

    Raises:
        InvalidConfiguration: with every fault at once.
    """
    return build_plan(horizon_settings(), queue_configs())


def all_queues() -> tuple[str, ...]:
    """Every queue in the order of priority: those that supervisors serve first, then what else ``RQ_QUEUES`` has."""
    return tuple(dict.fromkeys([*planned_queues(horizon_settings()), *queue_configs()]))
