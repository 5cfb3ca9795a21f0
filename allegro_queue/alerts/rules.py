"""The rules: each looks at the facts and says what is wrong, of what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop

from allegro_queue.alerts.facts import Facts
from allegro_queue.stores.pauses import ALL_QUEUES

MOST_SUBJECTS = 50
"""Things that one rule speaks of at once; more are not told apart."""

CRASH_SECONDS = 10 * 60
GROUP_SECONDS = 24 * 3600
"""How long after its last failure a group that nobody has looked at is still spoken of."""


class Unit(StrEnum):
    """What a threshold counts."""

    NONE = ""
    SECONDS = "seconds"
    SHARE = "share"
    """From 0 to 1."""
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    subject: str
    """Of what: a queue, an entry, a host. Empty when there is only one."""
    text: str
    """As a sentence without its stop."""


Look = Callable[[Facts, float, float], Iterator[Finding]]
"""The facts, the threshold and the least number that counts, to what is wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule, with what holds where the settings say nothing."""

    name: str
    title: str
    unit: Unit = Unit.NONE
    threshold: float = 0.0
    least: int = 0
    """For a share: how many there must be before it counts."""
    after: float = 0.0
    """Seconds that it must hold before anybody is told."""
    repeat: float = 4 * 3600.0
    """Seconds after which it is told again while it holds; 0 for never."""
    mend: str = ""
    """Where to look, in words."""
    look: Look
    knows: Callable[[Facts], bool]
    """Whether the facts say anything of this; if not, what fires goes on firing."""


def has_pulse(facts: Facts) -> bool:
    return facts.pulse is not None


def has_history(facts: Facts) -> bool:
    return facts.history is not None


def longest_wait(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A queue whose oldest job waits longer than ``HORIZON["waits"]`` allows, the threshold where that is silent."""
    assert facts.pulse is not None
    for queue in facts.pulse.queues:
        allowed = facts.waits.get(queue.name, threshold)
        if queue.oldest_at is None or facts.pulse.is_paused(queue.name):
            continue
        waited = facts.at - queue.oldest_at
        if waited > allowed:
            yield Finding(
                queue.name,
                f"the oldest job of {queue.name} has waited {span(waited)} (allowed: {span(allowed)}); "
                f"{queue.waiting:,} wait",
            )


def failure_share(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A queue of whose attempts too many failed."""
    assert facts.history is not None
    for queue, (ended, failed) in facts.history.ended.items():
        if ended >= least and ended and failed / ended >= threshold:
            yield Finding(queue, f"{failed:,} of the last {ended:,} attempts on {queue} failed ({failed / ended:.0%})")


def new_failure(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A kind of failure that nobody has looked at."""
    assert facts.history is not None
    for group in facts.history.groups:
        if facts.at - group.last_at <= GROUP_SECONDS:
            what = f"{group.name}: {group.exception}: {group.message}" if group.name else group.message
            word = "is back after it was marked as resolved" if group.again else "is new"
            yield Finding(group.fingerprint, f"a failure {word}: {what[:300]}")


def no_workers(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Queues that nobody listens to."""
    assert facts.pulse is not None
    pulse = facts.pulse
    if not facts.runs_workers:
        return
    if not pulse.workers:
        paused = all(pulse.is_paused(queue.name) for queue in pulse.queues)
        if not paused:
            yield Finding("", f"no worker lives; {pulse.waiting:,} jobs wait")
        return
    without = [each.name for each in pulse.queues if not pulse.workers_of(each.name) and not pulse.is_paused(each.name)]
    if without:
        yield Finding("", f"nobody listens to {', '.join(without)}")


def master_lost(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Horizon processes that ended without a word and were not replaced."""
    for each in facts.lost_masters or ():
        yield Finding(
            each.name, f"the Horizon process {each.name} on {each.host} is gone without having been told to leave"
        )


def scheduler_late(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """No scheduler, or entries that are overdue."""
    assert facts.entries is not None
    if not facts.entries:
        return
    if facts.pulse is not None and facts.pulse.scheduler is None:
        yield Finding("", "no scheduler reports, so nothing is queued by the clock")
        return
    late = [each for each in facts.entries if each.next_at is not None and facts.at - each.next_at > threshold]
    if late:
        worst = max(facts.at - (each.next_at or facts.at) for each in late)
        yield Finding("", f"{', '.join(each.name for each in late[:5])} should have been queued {span(worst)} ago")


def missed_tick(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Entries whose last run came much too late, or could not be queued."""
    for each in facts.entries or ():
        if each.last_error:
            yield Finding(each.name, f"{each.name} could not be queued: {each.last_error[:200]}")
        elif each.last_due_at is not None and each.last_queued_at is not None:
            late = each.last_queued_at - each.last_due_at
            if late > threshold:
                yield Finding(each.name, f"{each.name} was queued {span(late)} late, so runs in between were left out")


def snapshot_stale(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Graphs that are not added to."""
    assert facts.pulse is not None
    pulse = facts.pulse
    if not pulse.masters:
        return
    taken = pulse.last_snapshot_at or min(each.started_at for each in pulse.masters)
    if facts.at - taken > threshold:
        yield Finding("", f"the newest snapshot is {span(facts.at - taken)} old, so graphs are stale")


def paused_long(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Pauses that somebody may have forgotten."""
    assert facts.pulse is not None
    for pause in facts.pulse.pauses.values():
        if facts.at - pause.since > threshold:
            what = "all queues" if pause.queue == ALL_QUEUES else pause.queue
            who = f" by {pause.by}" if pause.by else ""
            why = f": “{pause.reason[:100]}”" if pause.reason else ""
            yield Finding(pause.queue, f"{what} paused for {span(facts.at - pause.since)}{who}{why}")


def crash_loop(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """Workers that die one after another."""
    assert facts.pulse is not None
    pulse = facts.pulse
    for master in pulse.masters:
        for supervisor in master.supervisors:
            if supervisor.trouble:
                yield Finding(
                    f"{supervisor.name} on {master.host}",
                    f"{supervisor.name} on {master.host} cannot keep its workers: {supervisor.trouble.rstrip('.')}",
                )
    deaths: dict[str, int] = {}
    for lost in pulse.lost:
        if facts.at - lost.lost_at <= CRASH_SECONDS:
            deaths[lost.host] = deaths.get(lost.host, 0) + 1
    for host, number in sorted(deaths.items()):
        if number >= threshold:
            newest = next(each for each in pulse.lost if each.host == host)
            yield Finding(
                host,
                f"{number} workers died on {host} within {span(CRASH_SECONDS)}, the last one {newest.reason.rstrip('.')}",
            )


def redis_memory(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that is nearly full."""
    assert facts.server is not None
    used, limit = facts.server.memory_bytes, facts.server.memory_limit
    if limit and used / limit >= threshold:
        yield Finding(
            "", f"Redis uses {used / limit:.0%} of the {limit / 1e6:,.0f} MB it may; when it is full, no job is taken"
        )


def redis_eviction(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that deletes jobs when it is full."""
    assert facts.server is not None
    policy = facts.server.eviction_policy
    if policy and policy != "noeviction":
        yield Finding("", f"Redis has maxmemory-policy {policy}, so it deletes jobs when its memory is full")


def redis_away(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that does not answer."""
    if facts.away:
        yield Finding("", f"Redis does not answer ({facts.away})")


def collector_lag(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """History and metrics that fall behind."""
    assert facts.history is not None
    history = facts.history
    if history.behind and not history.collector_lives:
        yield Finding("", f"no collector reports; {history.behind:,} runs wait for history and metrics")
    elif history.behind and history.behind_seconds > threshold:
        yield Finding("", f"the collector is {span(history.behind_seconds)} behind; {history.behind:,} runs wait")


RULES: Mapping[str, Rule] = {
    each.name: each
    for each in (
        Rule(
            name="longest_wait",
            title=gettext_noop("Jobs wait too long"),
            unit=Unit.SECONDS,
            threshold=60,
            after=30,
            mend=gettext_noop("Look at the queue: too few workers, or a job that takes long?"),
            look=longest_wait,
            knows=has_pulse,
        ),
        Rule(
            name="failure_share",
            title=gettext_noop("Many attempts fail"),
            unit=Unit.SHARE,
            threshold=0.5,
            least=10,
            mend=gettext_noop("Look at the failed jobs."),
            look=failure_share,
            knows=has_history,
        ),
        Rule(
            name="new_failure",
            title=gettext_noop("A new kind of failure"),
            repeat=0,
            mend=gettext_noop("Look at it, and note it as known or resolved."),
            look=new_failure,
            knows=has_history,
        ),
        Rule(
            name="no_workers",
            title=gettext_noop("Nobody works on a queue"),
            after=60,
            repeat=3600,
            mend=gettext_noop("Start Horizon on a host: python manage.py horizon"),
            look=no_workers,
            knows=has_pulse,
        ),
        Rule(
            name="master_lost",
            title=gettext_noop("A Horizon process is lost"),
            mend=gettext_noop("Was the host restarted, or out of memory? Start Horizon there again."),
            look=master_lost,
            knows=lambda facts: facts.lost_masters is not None,
        ),
        Rule(
            name="scheduler_late",
            title=gettext_noop("The scheduler is late"),
            unit=Unit.SECONDS,
            threshold=60,
            after=60,
            mend=gettext_noop("Horizon starts a scheduler by itself; look at its log."),
            look=scheduler_late,
            knows=lambda facts: facts.entries is not None,
        ),
        Rule(
            name="missed_tick",
            title=gettext_noop("A cron entry missed its time"),
            unit=Unit.SECONDS,
            threshold=300,
            repeat=0,
            mend=gettext_noop("Look at the schedule."),
            look=missed_tick,
            knows=lambda facts: facts.entries is not None,
        ),
        Rule(
            name="snapshot_stale",
            title=gettext_noop("No snapshot is taken"),
            unit=Unit.SECONDS,
            threshold=11 * 60,
            mend=gettext_noop("See what became of the entry that takes them: python manage.py horizon_snapshot"),
            look=snapshot_stale,
            knows=has_pulse,
        ),
        Rule(
            name="paused_long",
            title=gettext_noop("Paused for long"),
            unit=Unit.SECONDS,
            threshold=3600,
            mend=gettext_noop("Resume it: python manage.py horizon_continue"),
            look=paused_long,
            knows=has_pulse,
        ),
        Rule(
            name="crash_loop",
            title=gettext_noop("Workers die again and again"),
            unit=Unit.COUNT,
            threshold=5,
            mend=gettext_noop("See Horizon’s log on that host for why they end."),
            look=crash_loop,
            knows=has_pulse,
        ),
        Rule(
            name="redis_memory",
            title=gettext_noop("Redis is nearly full"),
            unit=Unit.SHARE,
            threshold=0.8,
            after=30,
            mend=gettext_noop("Raise maxmemory, or keep less (HORIZON['runs_kept'], 'failed_minutes')."),
            look=redis_memory,
            knows=lambda facts: facts.server is not None,
        ),
        Rule(
            name="redis_eviction",
            title=gettext_noop("Redis may delete jobs"),
            repeat=24 * 3600.0,
            mend=gettext_noop("Switch it off: redis-cli config set maxmemory-policy noeviction"),
            look=redis_eviction,
            knows=lambda facts: facts.server is not None,
        ),
        Rule(
            name="redis_away",
            title=gettext_noop("Redis does not answer"),
            after=30,
            repeat=3600,
            mend=gettext_noop("Is the server up, and can this host reach it?"),
            look=redis_away,
            knows=lambda facts: True,
        ),
        Rule(
            name="collector_lag",
            title=gettext_noop("History falls behind"),
            unit=Unit.SECONDS,
            threshold=300,
            after=60,
            mend=gettext_noop("Horizon starts a collector by itself; look at its log and at the database."),
            look=collector_lag,
            knows=has_history,
        ),
    )
}
"""Every rule by name, in the order of the page."""


def span(seconds: float) -> str:
    """A length of time in words: ``48 s``, ``4 min``, ``2 h 5 min``, ``3 d``."""
    whole = round(max(seconds, 0))
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 2 * 86400:
        rest = whole % 3600 // 60
        return f"{whole // 3600} h {rest} min" if rest else f"{whole // 3600} h"
    return f"{whole // 86400} d"
