"""The rules: each looks at the facts and says what is wrong, of what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop

from allegro_queue.alerts.facts import Facts
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.tellings import Telling, telling, telling_of

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
    said: Telling
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
    """Graphs that are not added to."""
    assert facts.pulse is not None
    pulse = facts.pulse
    if not pulse.masters:
        return
    taken = pulse.last_snapshot_at or min(each.started_at for each in pulse.masters)
    if facts.at - taken > threshold:
        yield Finding(
            "", telling("the newest snapshot is {time} old, so graphs are stale", time=span(facts.at - taken))
        )


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


def redis_memory(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that is nearly full."""
    assert facts.server is not None
    used, limit = facts.server.memory_bytes, facts.server.memory_limit
    if limit and used / limit >= threshold:
        share = f"{used / limit:.0%}"
        said = telling(
            "Redis uses {share} of the {megabytes} MB it may; when it is full, no job is taken",
            share=share,
            megabytes=round(limit / 1e6),
        )
        yield Finding("", said)


def redis_eviction(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that deletes jobs when it is full."""
    assert facts.server is not None
    policy = facts.server.eviction_policy
    if policy and policy != "noeviction":
        said = telling("Redis has maxmemory-policy {policy}, so it deletes jobs when its memory is full", policy=policy)
        yield Finding("", said)


def redis_away(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that does not answer."""
    if facts.away:
        yield Finding("", telling("Redis does not answer ({reason})", reason=facts.away))


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


def span(seconds: float) -> Telling:
    """A length of time in words: ``48 s``, ``4 min``, ``2 h 5 min``, ``3 d``."""
    whole = round(max(seconds, 0))
    if whole < 120:
        return telling("{n} s", n=whole)
    if whole < 7200:
        return telling("{n} min", n=whole // 60)
    if whole < 2 * 86400:
        hours, rest = whole // 3600, whole % 3600 // 60
        return telling("{n} h {rest} min", n=hours, rest=rest) if rest else telling("{n} h", n=hours)
    return telling("{n} d", n=whole // 86400)
