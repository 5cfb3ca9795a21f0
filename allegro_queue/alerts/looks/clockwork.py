"""What goes by the clock: the scheduler, its entries, snapshots. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.rule import Finding
from allegro_queue.alerts.spans import span
from allegro_queue.tellings import telling


def scheduler_late(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """No scheduler, or entries that are overdue."""
    assert facts.entries is not None
    if not facts.entries:
        return
    if facts.pulse is not None and facts.pulse.scheduler is None:
        yield Finding("", telling("no scheduler reports, so nothing is queued by the clock"))
        return
    late = [each for each in facts.entries if each.next_at is not None and facts.at - each.next_at > threshold]
    if late:
        worst = max(facts.at - (each.next_at or facts.at) for each in late)
        said = telling(
            "{entries} should have been queued {time} ago",
            entries=", ".join(each.name for each in late[:5]),
            time=span(worst),
        )
        yield Finding("", said)


def missed_tick(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Entries whose last run came much too late, or could not be queued."""
    for each in facts.entries or ():
        if each.last_error:
            said = telling("{entry} could not be queued: {error}", entry=each.name, error=each.last_error)
            yield Finding(each.name, said)
        elif each.last_due_at is not None and each.last_queued_at is not None:
            late = each.last_queued_at - each.last_due_at
            if late > threshold:
                said = telling(
                    "{entry} was queued {time} late, so runs in between were left out", entry=each.name, time=span(late)
                )
                yield Finding(each.name, said)


def snapshot_stale(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Graphs that are not added to: two snapshots were missed; or, with a threshold, the newest is older than that."""
    assert facts.pulse is not None
    pulse = facts.pulse
    too_old_from = (lambda taken_at: taken_at + threshold) if threshold else facts.snapshot_too_old_from
    if not pulse.masters or not pulse.lacks_snapshot(too_old_from):
        return
    if pulse.last_snapshot_at is None:
        yield Finding("", telling("no snapshot was ever taken, so graphs are stale"))
    else:
        age = span(facts.at - pulse.last_snapshot_at)
        yield Finding("", telling("the newest snapshot is {time} old, so graphs are stale", time=age))
