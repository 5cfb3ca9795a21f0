"""How things stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router

from allegro_queue import __version__
from allegro_queue.alerts.report import keeper_in_words
from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import needs, reading
from allegro_queue.api.shapes.given import Name
from allegro_queue.api.shapes.now import Health, Masters, StatusShape, Workers
from allegro_queue.api.shapes.orders import ControlAsked, EndAsked
from allegro_queue.api.shapes.told import Done
from allegro_queue.conf import horizon_settings
from allegro_queue.configuration import configuration_problems
from allegro_queue.dashboard.workers import control_views, end_views
from allegro_queue.health.check import worst
from allegro_queue.health.examine import examine
from allegro_queue.plan import Plan
from allegro_queue.rights import Right
from allegro_queue.scheduling.snapshots import snapshot_too_old_from
from allegro_queue.status import status_of
from allegro_queue.stores import open_stores

router = Router(tags=["now"])


@router.get("status", response=StatusShape, summary="How things stand")
def status(request: HttpRequest) -> Any:
    _, pulse = reading()
    settings = horizon_settings()
    return {
        "status": status_of(pulse.masters, pulse.pauses.values()),
        "notice": Plan(environment=settings.environment, connection=settings.connection, supervisors=()).notice,
        "environment": settings.environment,
        "version": __version__,
        "at": pulse.at,
        "waiting": pulse.waiting,
        "running": sum(queue.running for queue in pulse.queues),
        "failed": pulse.failed,
        "masters": len(pulse.masters),
        "workers": len(pulse.workers),
        "busy": sum(worker.state == "busy" for worker in pulse.workers),
        "suspended": pulse.suspended,
        "paused": sorted(pulse.pauses),
        "scheduler": pulse.scheduler.host if pulse.scheduler else "",
        "last_snapshot_at": pulse.last_snapshot_at,
    }


@router.get("masters", response=Masters, summary="Horizon's processes and their supervisors")
def masters(request: HttpRequest) -> Any:
    _, pulse = reading()
    return {"masters": [asdict(each) for each in pulse.masters]}


@router.get("workers", response=Workers, summary="Workers, and those that died lately")
def workers(request: HttpRequest) -> Any:
    _, pulse = reading()
    return {"workers": list(pulse.workers), "lost": list(pulse.lost)}


@router.get("health", response=Health, summary="Is the machinery itself well?")
def health(request: HttpRequest) -> Any:
    stores, pulse = reading()
    checks = examine(stores, pulse, configuration_problems(), keeper_in_words(pulse.at), snapshot_too_old_from)
    return {"result": worst(checks), "checks": [asdict(each) for each in checks]}


@router.post(
    "masters/{str:name}/control",
    response=Done,
    summary="Tell a Horizon process something",
    openapi_extra=needs(Right.CONTROL_WORKERS),
)
def control_master(request: HttpRequest, name: Name, given: Body[ControlAsked]) -> Any:
    if name not in {each.name for each in open_stores().masters.living()}:
        raise Refused(404, "path name", f"There is no Horizon process {name!r} (any more).", "See masters.")
    form = {"master": name, "word": given.word.value, "reason": given.reason}
    return perform(request, control_views.control, form)


@router.post(
    "workers/{str:name}/end",
    response=Done,
    summary="Have one worker leave; its Horizon process puts another in its place",
    openapi_extra=needs(Right.CONTROL_WORKERS),
)
def end_worker(request: HttpRequest, name: Name, given: Body[EndAsked]) -> Any:
    if name not in {each.name for each in open_stores().workers.living()}:
        raise Refused(404, "path name", f"There is no worker {name!r} (any more).", "See workers.")
    form = {"worker": name, "word": given.word, "reason": given.reason}
    return perform(request, end_views.end_worker, form)
