"""Queues: their jobs wait too long, nobody works on them, somebody has forgotten that they are paused. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.rule import Finding
from allegro_queue.alerts.spans import span
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.tellings import Telling, telling, telling_of


def longest_wait(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A queue whose oldest job waits longer than ``HORIZON["waits"]`` allows, the threshold where that is silent."""
    assert facts.pulse is not None
    for queue in facts.pulse.queues:
        allowed = facts.waits.get(queue.name, threshold)
        if queue.oldest_at is None or facts.pulse.stands_still(queue.name):
            continue
        waited = facts.at - queue.oldest_at
        if waited > allowed:
            yield Finding(
                queue.name,
                telling_of(
                    "the oldest job of {queue} has waited {time} (allowed: {allowed}); {n} waits",
                    "the oldest job of {queue} has waited {time} (allowed: {allowed}); {n} wait",
                    queue.waiting,
                    queue=queue.name,
                    time=span(waited),
                    allowed=span(allowed),
                ),
            )


def no_workers(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Queues that nobody listens to."""
    assert facts.pulse is not None
    pulse = facts.pulse
    if not facts.runs_workers:
        return
    if not pulse.workers:
        paused = all(pulse.stands_still(queue.name) for queue in pulse.queues)
        if not paused:
            said = telling_of("no worker lives; {n} job waits", "no worker lives; {n} jobs wait", pulse.waiting)
            yield Finding("", said)
        return
    without = [
        each.name for each in pulse.queues if not pulse.workers_of(each.name) and not pulse.stands_still(each.name)
    ]
    if without:
        yield Finding("", telling("nobody listens to {queues}", queues=", ".join(without)))


def paused_long(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Pauses that somebody may have forgotten."""
    assert facts.pulse is not None
    for pause in facts.pulse.pauses.values():
        if facts.at - pause.since > threshold:
            yield Finding(pause.queue, paused_words(pause, span(facts.at - pause.since)))


def paused_words(pause: Pause, time: Telling) -> Telling:
    """Since when what is paused, by whom and why."""
    places = {
        "queue": telling("all queues") if pause.queue == ALL_QUEUES else pause.queue,
        "time": time,
        "who": pause.by,
        "reason": pause.reason[:100],
    }
    if pause.by and pause.reason:
        return telling("{queue} paused for {time} by {who}: “{reason}”", **places)
    if pause.by:
        return telling("{queue} paused for {time} by {who}", **places)
    if pause.reason:
        return telling("{queue} paused for {time}: “{reason}”", **places)
    return telling("{queue} paused for {time}", **places)
