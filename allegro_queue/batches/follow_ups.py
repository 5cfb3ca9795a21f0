"""What follows a batch: a call that is checked when the batch is made, and ready to be queued when its moment has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from allegro_queue.calls import Call, check_names
from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import JobOptions, job_name
from allegro_queue.orders import Order, order_for
from allegro_queue.stores.batches import Which
from allegro_queue.stores.enqueue import NewJob


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A call that a batch queues when its moment has come."""

    function: Callable[..., Any]
    given: Call
    options: JobOptions | None = None


def follow_up(function: Callable[..., Any], *args: Any, options: JobOptions | None = None, **kwargs: Any) -> FollowUp:
    """A call to be queued by a batch: ``batch("import", then=follow_up(report, import_id))``.

    Args:
        options: options for this job alone, as of ``dispatch``.
    """
    given = Call(args, kwargs)
    check_names(job_name(function), function, given, [] if options is None else ["options"])
    return FollowUp(function, given, options)


Follows = FollowUp | Callable[..., Any] | None
"""What follows: a call, or a function that takes no arguments."""


def following(batch_id: str, which: Which, given: FollowUp | Callable[..., Any]) -> tuple[str, Order, NewJob]:
    """The job that follows, checked and ready.

    Raises:
        InvalidJob: as of ``dispatch``; or it is a unique one.
    """
    wanted = given if isinstance(given, FollowUp) else follow_up(given)
    order = order_for(wanted.function, wanted.options, None, None, follows=batch_id)
    job_id = str(uuid4())
    job = order.new_job(job_id, wanted.given)
    if job.unique_key:
        raise InvalidJob(
            f"{order.name} is a unique job and cannot be what follows a batch ({which}): it might not be queued."
        )
    return job_id, order, job
