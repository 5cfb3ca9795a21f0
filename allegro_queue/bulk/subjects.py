"""Which jobs an act is about, for the journal and for the page of a run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_noop

from allegro_queue.tellings import Telling, telling, verbatim

ALL = {
    "waiting": gettext_noop("all waiting jobs"),
    "running": gettext_noop("all running jobs"),
    "scheduled": gettext_noop("all scheduled jobs"),
    "deferred": gettext_noop("all deferred jobs"),
    "finished": gettext_noop("all finished jobs"),
    "failed": gettext_noop("all failed jobs"),
}

ALL_OF_QUEUE = {
    "waiting": gettext_noop("all waiting jobs of queue {queue}"),
    "running": gettext_noop("all running jobs of queue {queue}"),
    "scheduled": gettext_noop("all scheduled jobs of queue {queue}"),
    "deferred": gettext_noop("all deferred jobs of queue {queue}"),
    "finished": gettext_noop("all finished jobs of queue {queue}"),
    "failed": gettext_noop("all failed jobs of queue {queue}"),
}

LONGEST_PART = 200
"""Letters of what somebody typed that are kept."""

WITH = {
    "name": gettext_noop("job {value}"),
    "queue": gettext_noop("queue {value}"),
    "tag": gettext_noop("tag {value}"),
    "text": gettext_noop("words {value}"),
    "exception": gettext_noop("error {value}"),
    "fingerprint": gettext_noop("failure group {value}"),
    "tenant": gettext_noop("tenant {value}"),
    "batch": gettext_noop("batch {value}"),
    "outcomes": gettext_noop("outcome {value}"),
}
"""Parts of a filter of runs."""


def these_jobs(ids: Sequence[str]) -> Telling:
    """Jobs that were named one by one."""
    if len(ids) == 1:
        return telling("job {id}", id=ids[0][:LONGEST_PART])
    return telling("{n} jobs, first {id}", n=len(ids), id=ids[0][:LONGEST_PART])


def all_jobs(state: str, queue: str = "") -> Telling:
    """All of a state, in one queue or anywhere."""
    if queue:
        return telling(ALL_OF_QUEUE[state], queue=queue)
    return telling(ALL[state]) if state in ALL else telling("all {state} jobs", state=state[:LONGEST_PART])


def what_run_did(run: int, *, moved: bool) -> Telling:
    """The jobs that a run has acted on."""
    text = gettext_noop("what run {run} moved") if moved else gettext_noop("what run {run} deleted")
    return telling(text, run=str(run))


def runs_with(given: Mapping[str, Any]) -> list[Telling]:
    """Parts of a filter of runs, by name; one that has no words here is named as it is."""
    return [with_part(key, value if isinstance(value, str) else ", ".join(value)) for key, value in given.items()]


def with_part(key: str, value: str) -> Telling:
    return telling(WITH[key], value=value) if key in WITH else verbatim(f"{key} {value}")
