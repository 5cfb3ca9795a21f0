"""What a job holds by its terms, and lets go in the transaction that ends its attempt; and what it is to wait for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from redis.client import Pipeline
from rq.job import Job, JobStatus

from allegro_queue.batches import working_on
from allegro_queue.jobs import REASON_FIELD
from allegro_queue.stores import Stores
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.run_record import RunOutcome
from allegro_queue.tenancy import acting_for
from allegro_queue.terms import Terms, decode_terms

Value = TypeVar("Value")

COMES_AGAIN = (JobStatus.QUEUED, JobStatus.SCHEDULED)


def terms_of(job: Job) -> Terms:
    """What the job asks for.

    Raises:
        ValueError: its terms cannot be read.
    """
    return read_terms(getattr(job, "terms_text", ""))


@lru_cache(maxsize=256)
def read_terms(text: str) -> Terms:
    """As ``decode_terms``; jobs of one kind mostly ask for the same, and one job is asked several times."""
    return decode_terms(text)


def asks_for_something(job: Job) -> bool:
    """Whether the job has any terms at all; that of a plain job costs no more than a look."""
    return bool(getattr(job, "terms_text", ""))


def holds_something(job: Job) -> bool:
    """Whether something must be let go, or told, when the job has returned. How it was to run is over by then."""
    if not asks_for_something(job):
        return False
    terms = terms_of(job)
    return bool(terms.unique_key or terms.overlap_key or terms.batch or terms.extra)


def in_its_place(job: Job, function: Callable[..., Value], *args: Any) -> Value:
    """Call a function that acts for the tenant that the job names, and knows its batch, if it has them."""
    if not asks_for_something(job):
        return function(*args)
    terms = terms_of(job)
    with acting_for(terms.tenant), working_on(terms.batch or terms.follows):
        return function(*args)


def let_go(stores: Stores, job: Job, held: Reservation, outcome: RunOutcome, pipeline: Pipeline) -> None:
    """Free what the job works on; and, unless another attempt or run follows, its place as the only one of its kind, and
    have it count for its batch."""
    terms, locks = terms_of(job), stores.locks
    if terms.overlap_key:
        locks.free_overlap(terms, held.execution_id, pipeline)
    if terms.unique_key and is_over(job, outcome):
        locks.free_unique(terms, job.id, pipeline)
    if terms.batch and is_over(job, outcome):
        stores.batches.ended(terms.batch, job.id, "succeeded" if outcome == "succeeded" else "failed", pipeline)
    rest = getattr(job, "rest", None)
    if outcome == "retried" and rest:
        attempt = getattr(job, "attempt", 1)
        pipeline.hset(job.key, REASON_FIELD, f"attempt {attempt} failed; {rest} s of rest before the next")


def free_overlap_now(stores: Stores, job: Job, held: Reservation) -> None:
    """Let others work on what the job worked on, where its end is filed by something else than a transaction of ours."""
    terms = terms_of(job)
    if terms.overlap_key:
        with stores.client.pipeline() as pipeline:
            stores.locks.free_overlap(terms, held.execution_id, pipeline)
            pipeline.execute()


def is_over(job: Job, outcome: RunOutcome) -> bool:
    """Whether the job has ended for good: neither tried again nor, having succeeded, to be repeated."""
    return outcome != "retried" and not (outcome == "succeeded" and job.get_status(refresh=False) in COMES_AGAIN)


def prolong_locks(stores: Stores, job: Job, held: Reservation) -> None:
    """Keep what the running job works on; safe from another thread."""
    terms = terms_of(job)
    if terms.overlap_key:
        stores.locks.prolong_overlap(terms, held.execution_id)
