"""Cron entries: reading, running now, pausing."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router

from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import needs, optional, reading
from allegro_queue.api.shapes.given import Name
from allegro_queue.api.shapes.pauses import PauseAsked
from allegro_queue.api.shapes.schedule import EntryDetail, Schedule
from allegro_queue.api.shapes.told import Done
from allegro_queue.connection import page_client
from allegro_queue.dashboard.schedule import views as schedule_views
from allegro_queue.dashboard.schedule.page import read_rows
from allegro_queue.errors import did_you_mean
from allegro_queue.rights import Right
from allegro_queue.scheduling.table import ScheduleRow, faults_in, rows_of
from allegro_queue.stores import open_stores

router = Router(tags=["schedule"])


@router.get("schedule", response=Schedule, summary="Cron entries")
def schedule(request: HttpRequest) -> Any:
    stores, now = open_stores(page_client()), time.time()
    known = stores.entries.known(now)
    return {
        "entries": [entry_shape(row) for row in rows_of(stores, known, now)],
        "faults": [asdict(each) for each in faults_in(known)],
    }


def entry_shape(row: ScheduleRow) -> dict[str, Any]:
    return {
        "name": row.entry.name,
        "job": row.entry.job,
        "queue": row.entry.queue,
        "line": row.line,
        "in_words": row.in_words,
        "zone": row.zone,
        "enabled": row.entry.enabled,
        "source": row.entry.source,
        "next_at": row.next_at,
        "late_seconds": row.late_seconds,
        "error": row.state.error,
        "runs": row.state.runs,
        "missed": row.state.missed,
        "skipped": row.state.skipped,
        "pause": row.pause,
        "last": row.last,
    }


@router.get("schedule/{str:name}", response=EntryDetail, summary="One cron entry")
def entry(request: HttpRequest, name: Name) -> Any:
    stores, pulse = reading()
    rows, _ = read_rows(stores, pulse)
    for each in rows:
        if each.row.entry.name == name:
            return {**entry_shape(each.row), "coming": each.row.coming(), "accounts": each.accounts}
    raise no_entry(name, [each.row.entry.name for each in rows])


def no_entry(name: str, known: list[str]) -> Refused:
    return Refused(404, "path name", f"There is no cron entry {name!r}{did_you_mean(name, known)}", "See schedule.")


def known_entry(name: str) -> None:
    """404 unless there is a cron entry of this name."""
    stores, now = open_stores(), time.time()
    names = [row.entry.name for row in rows_of(stores, stores.entries.known(now), now)]
    if name not in names:
        raise no_entry(name, names)


@router.post(
    "schedule/{str:name}/run",
    response=Done,
    summary="Queue one run now, beside the schedule",
    openapi_extra=needs(Right.RUN_CRON),
)
def run_entry(request: HttpRequest, name: Name) -> Any:
    known_entry(name)
    return perform(request, schedule_views.run_entry, {"entry": name})


@router.post(
    "schedule/{str:name}/pause",
    response=Done,
    summary="Skip the times of an entry",
    openapi_extra=needs(Right.RUN_CRON),
)
def pause_entry(request: HttpRequest, name: Name, given: Body[PauseAsked]) -> Any:
    known_entry(name)
    form = {"entry": name, "reason": given.reason, "minutes": optional(given.minutes)}
    return perform(request, schedule_views.pause_entry_now, form)


@router.post(
    "schedule/{str:name}/resume",
    response=Done,
    summary="Queue an entry again when it is due",
    openapi_extra=needs(Right.RUN_CRON),
)
def resume_entry(request: HttpRequest, name: Name) -> Any:
    known_entry(name)
    return perform(request, schedule_views.resume_entry_now, {"entry": name})
