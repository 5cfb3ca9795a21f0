"""Queues: reading, pausing, resuming."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Body, Router

from allegro_queue.api.acts import perform, perform_run
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import needs, optional, reading
from allegro_queue.api.shapes.given import Name
from allegro_queue.api.shapes.orders import EmptyAsked, MoveQueueAsked
from allegro_queue.api.shapes.pauses import PauseAsked
from allegro_queue.api.shapes.queues import Queues, QueueShape
from allegro_queue.api.shapes.told import Begun, Done
from allegro_queue.dashboard.acting import actions
from allegro_queue.dashboard.metrics.series import wait_times
from allegro_queue.dashboard.queues import views as queue_views
from allegro_queue.dashboard.queues.rows import LATELY
from allegro_queue.errors import did_you_mean
from allegro_queue.history.measured import points, whole
from allegro_queue.metrics.counts import MINUTE
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse

router = Router(tags=["queues"])


@router.get("queues", response=Queues, summary="Queues in the order of priority")
def queues(request: HttpRequest) -> Any:
    _, pulse = reading()
    return {"queues": queue_rows(pulse)}


@router.get("queues/{str:name}", response=QueueShape, summary="One queue")
def queue(request: HttpRequest, name: Name) -> Any:
    _, pulse = reading()
    known_queue(name)
    return next(each for each in queue_rows(pulse) if each["name"] == name)


def queue_rows(pulse: Pulse) -> list[dict[str, Any]]:
    names = [each.name for each in pulse.queues]
    lately = points("queue", names, seconds=MINUTE, since=pulse.at - LATELY * MINUTE)
    return [
        {
            **asdict(each),
            "rank": rank,
            "oldest_seconds": max(pulse.at - each.oldest_at, 0.0) if each.oldest_at is not None else None,
            "workers": len(pulse.workers_of(each.name)),
            "wait_seconds": wait_times(whole(lately[each.name])).p95,
            "is_paused": pulse.is_paused(each.name),
            "pause": pulse.pauses.get(each.name) or pulse.pauses.get(ALL_QUEUES),
        }
        for rank, each in enumerate(pulse.queues, start=1)
    ]


def known_queue(name: str) -> None:
    """404 unless there is a queue of this name."""
    if name not in all_queues():
        raise Refused(404, "path name", f"There is no queue {name!r}{did_you_mean(name, all_queues())}", "See queues.")


def known_or_all(name: str) -> None:
    if name != ALL_QUEUES:
        known_queue(name)


@router.post(
    "queues/{str:name}/pause",
    response=Done,
    summary="Pause a queue; `*` stands for all",
    openapi_extra=needs(Right.PAUSE),
)
def pause_queue(request: HttpRequest, name: Name, given: Body[PauseAsked]) -> Any:
    known_or_all(name)
    return perform(request, actions.pause, {"queue": name, "reason": given.reason, "minutes": optional(given.minutes)})


@router.post(
    "queues/{str:name}/resume",
    response=Done,
    summary="Resume a queue; `*` stands for all",
    openapi_extra=needs(Right.PAUSE),
)
def resume_queue(request: HttpRequest, name: Name) -> Any:
    known_or_all(name)
    return perform(request, actions.resume, {"queue": name})


@router.post(
    "queues/{str:name}/empty",
    response=Begun,
    summary="Put all that waits in a queue into the bin",
    openapi_extra=needs(Right.DELETE),
)
def empty_queue(request: HttpRequest, name: Name, given: Body[EmptyAsked]) -> Any:
    known_queue(name)
    # On a page the name is typed; here it stands in the address.
    form = {"queue": name, "typed": name, "reason": given.reason, **begun_at(given.until, given.token)}
    return perform_run(request, queue_views.empty, form)


@router.post(
    "queues/{str:name}/move",
    response=Begun,
    summary="Put all that waits in a queue at the end of another",
    openapi_extra=needs(Right.ENQUEUE),
)
def move_queue(request: HttpRequest, name: Name, given: Body[MoveQueueAsked]) -> Any:
    known_queue(name)
    if given.to not in all_queues():
        raise Refused(
            422, "body to", f"There is no queue {given.to!r}{did_you_mean(given.to, all_queues())}", "See queues."
        )
    form = {"queue": name, "to": given.to, "reason": given.reason, **begun_at(given.until, given.token)}
    return perform_run(request, queue_views.move, form)


def begun_at(until: float | None, token: UUID | None) -> dict[str, str | None]:
    return {"failed_until": optional(until), "token": str(token) if token else None}
