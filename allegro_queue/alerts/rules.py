"""The rules: all that there are, by name, with what holds where the settings say nothing."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.looks.clockwork import missed_tick, scheduler_late, snapshot_stale
from allegro_queue.alerts.looks.processes import crash_loop, master_lost
from allegro_queue.alerts.looks.queues import longest_wait, no_workers, paused_long
from allegro_queue.alerts.looks.runs import collector_lag, failure_share, new_failure
from allegro_queue.alerts.looks.server import redis_away, redis_eviction, redis_memory
from allegro_queue.alerts.rule import Rule, Unit


def has_pulse(facts: Facts) -> bool:
    return facts.pulse is not None


def has_history(facts: Facts) -> bool:
    return facts.history is not None


RULES: Mapping[str, Rule] = {
    each.name: each
    for each in (
        Rule(
            name="longest_wait",
            title=gettext_noop("Jobs wait too long"),
            unit=Unit.SECONDS,
            threshold=60,
            limit=gettext_noop("over HORIZON['waits'], else {time}"),
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
            own_limit=gettext_noop("two missed"),
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
