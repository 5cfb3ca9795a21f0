"""Processes: a master is lost, workers die again and again. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.rule import Finding
from allegro_queue.alerts.spans import span
from allegro_queue.tellings import telling, telling_of

CRASH_SECONDS = 10 * 60
"""The stretch of which dead workers are counted."""


def master_lost(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Horizon processes that ended without a word and were not replaced."""
    for each in facts.lost_masters or ():
        yield Finding(
            each.name,
            telling(
                "the Horizon process {name} on {host} is gone without having been told to leave",
                name=each.name,
                host=each.host,
            ),
        )


def crash_loop(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Workers that die one after another."""
    assert facts.pulse is not None
    pulse = facts.pulse
    for master in pulse.masters:
        for supervisor in master.supervisors:
            if supervisor.trouble:
                said = telling(
                    "{supervisor} on {host} cannot keep its workers: {trouble}",
                    supervisor=supervisor.name,
                    host=master.host,
                    trouble=supervisor.trouble_telling,
                )
                yield Finding(f"{supervisor.name} on {master.host}", said)
    deaths: dict[str, int] = {}
    for lost in pulse.lost:
        if facts.at - lost.lost_at <= CRASH_SECONDS:
            deaths[lost.host] = deaths.get(lost.host, 0) + 1
    for host, number in sorted(deaths.items()):
        if number >= threshold:
            newest = next(each for each in pulse.lost if each.host == host)
            said = telling_of(
                "{n} worker died on {host} within {time}: {reason}",
                "{n} workers died on {host} within {time}, the last one {reason}",
                number,
                host=host,
                time=span(CRASH_SECONDS),
                reason=newest.reason_telling,
            )
            yield Finding(host, said)
