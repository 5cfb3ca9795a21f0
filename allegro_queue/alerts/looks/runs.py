"""What was counted of runs: failures, and whether counting keeps up. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.rule import Finding
from allegro_queue.alerts.spans import span
from allegro_queue.tellings import telling, telling_of

GROUP_SECONDS = 24 * 3600
"""How long after its last failure a group that nobody has looked at is still spoken of."""


def failure_share(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A queue of whose attempts too many failed."""
    assert facts.history is not None
    for queue, (ended, failed) in facts.history.ended.items():
        if ended >= least and ended and failed / ended >= threshold:
            share = f"{failed / ended:.0%}"
            said = telling_of(
                "{failed} of the last {n} attempt on {queue} failed ({share})",
                "{failed} of the last {n} attempts on {queue} failed ({share})",
                ended,
                failed=failed,
                queue=queue,
                share=share,
            )
            yield Finding(queue, said)


def new_failure(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A kind of failure that nobody has looked at."""
    assert facts.history is not None
    for group in facts.history.groups:
        if facts.at - group.last_at <= GROUP_SECONDS:
            what = f"{group.name}: {group.exception}: {group.message}" if group.name else group.message
            said = (
                telling("a failure is back after it was marked as resolved: {failure}", failure=what[:300])
                if group.again
                else telling("a failure is new: {failure}", failure=what[:300])
            )
            yield Finding(group.fingerprint, said)


def collector_lag(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """History and metrics that fall behind."""
    assert facts.history is not None
    history = facts.history
    if history.behind and not history.collector_lives:
        said = telling_of(
            "no collector reports; {n} run waits for history and metrics",
            "no collector reports; {n} runs wait for history and metrics",
            history.behind,
        )
        yield Finding("", said)
    elif history.behind and history.behind_seconds > threshold:
        said = telling_of(
            "the collector is {time} behind; {n} run waits",
            "the collector is {time} behind; {n} runs wait",
            history.behind,
            time=span(history.behind_seconds),
        )
        yield Finding("", said)
