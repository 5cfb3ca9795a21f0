"""How things stand for Prometheus: by a token of its own, or for whoever may see the dashboard."""

from __future__ import annotations

import functools
import hmac
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import allegro_queue
from allegro_queue.access import View, gated
from allegro_queue.alerts import book
from allegro_queue.alerts.options import alert_options
from allegro_queue.alerts.rules import RULES
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import UNREACHABLE, page_client
from allegro_queue.dashboard.machines.exposition import CONTENT_TYPE, Family, Labels, exposition
from allegro_queue.history.measured import extent
from allegro_queue.history.patience import TookTooLong, patience
from allegro_queue.history.ranking import busiest
from allegro_queue.history.summed import counts_of
from allegro_queue.metrics.counts import DAY, EVER, HOUR, Counts, Kind
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.snapshots import snapshot_too_old_from
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import Pulse

MOST_JOBS = 50
"""Job names that are told apart: those whose runs took longest. So many labels there are at most."""

DATABASE_SECONDS = 5
"""How long the database is waited for: Prometheus itself waits ten unless told otherwise."""

STATES = ("starting", "idle", "busy", "paused", "leaving")
BEARER = "Bearer "


@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    """All figures in Prometheus' text format. When Redis does not answer, ``horizon_redis_up 0`` alone."""
    now = time.time()
    try:
        stores = open_stores(page_client())
        text = exposition(families(stores, stores.pulse.read(all_queues(), now), now))
    except UNREACHABLE:
        text = exposition([up(0)])
    return HttpResponse(text, content_type=CONTENT_TYPE)


def by_token_or_gate(view: View) -> View:
    """A view for a bearer of ``HORIZON["metrics_token"]``, and for whoever passes the door."""
    inside, alone = gated(view), never_cache(view)

    @functools.wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        given = request.headers.get("Authorization", "")
        if not given.startswith(BEARER):
            return inside(request, *args, **kwargs)
        if is_token(given.removeprefix(BEARER).strip()):
            return alone(request, *args, **kwargs)
        return HttpResponse("This is not the token.\n", status=403, content_type="text/plain; charset=utf-8")

    # The token is no cookie: no other site can make a browser send it.
    door.csrf_exempt = False  # type: ignore[attr-defined]
    return door


def is_token(given: str) -> bool:
    """Whether it is the token of the settings, in a time that tells nothing of it; never when none is set."""
    token = horizon_settings().metrics_token
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def up(value: int) -> Family:
    return Family(
        "horizon_redis_up", "gauge", "Whether Redis answered.", [({"version": allegro_queue.__version__}, value)]
    )


def families(stores: Stores, pulse: Pulse, now: float) -> Iterator[Family]:
    """Every metric. Labels are queues, job names (``MOST_JOBS``), hosts and the words of states."""
    yield up(1)
    yield from of_queues(pulse, now)
    yield from of_processes(pulse, now)
    told = of_database(stores, pulse, now)
    yield Family("horizon_database_up", "gauge", "Whether the database answered in time.", [({}, float(bool(told)))])
    yield from told


def of_database(stores: Stores, pulse: Pulse, now: float) -> list[Family]:
    """What stands there; nothing when it does not answer in time, since the rest must be told all the same."""
    try:
        with patience(DATABASE_SECONDS, counting=DATABASE_SECONDS):
            return [*of_history(stores, pulse, now), *of_alerts(now)]
    except (TookTooLong, OperationalError):
        return []


def of_queues(pulse: Pulse, now: float) -> Iterator[Family]:
    """What waits and runs."""
    each = [({"queue": queue.name}, queue) for queue in pulse.queues]
    yield Family("horizon_queue_waiting", "gauge", "Jobs that wait.", [(at, queue.waiting) for at, queue in each])
    yield Family(
        "horizon_queue_oldest_seconds",
        "gauge",
        "Age of the oldest job that waits; 0 when none does.",
        [(at, max(now - queue.oldest_at, 0.0) if queue.oldest_at is not None else 0.0) for at, queue in each],
    )
    yield Family("horizon_queue_running", "gauge", "Jobs that run.", [(at, queue.running) for at, queue in each])
    yield Family(
        "horizon_queue_failed", "gauge", "Failed jobs that are listed.", [(at, queue.failed) for at, queue in each]
    )
    yield Family(
        "horizon_queue_paused",
        "gauge",
        "Whether a queue hands out no job.",
        [(at, float(pulse.is_paused(queue.name))) for at, queue in each],
    )
    yield Family(
        "horizon_queue_workers",
        "gauge",
        "Workers that listen to a queue.",
        [(at, len(pulse.workers_of(queue.name))) for at, queue in each],
    )


def of_processes(pulse: Pulse, now: float) -> Iterator[Family]:
    """Who is alive."""
    states = Counter(each.state for each in pulse.workers)
    yield Family(
        "horizon_workers_living",
        "gauge",
        "Living workers by state.",
        [({"state": state}, states[state]) for state in STATES],
    )
    yield Family("horizon_workers_lost", "gauge", "Workers that died in the last 15 minutes.", [({}, len(pulse.lost))])
    yield Family("horizon_masters_living", "gauge", "Living Horizon processes.", [({}, len(pulse.masters))])
    oldest: dict[str, float] = {}
    for master in pulse.masters:
        oldest[master.host] = max(oldest.get(master.host, 0.0), now - master.beat_at)
    yield Family(
        "horizon_master_beat_age_seconds",
        "gauge",
        "Since the last beat of the Horizon processes of a host.",
        [({"host": host}, max(age, 0.0)) for host, age in sorted(oldest.items())],
    )
    yield Family(
        "horizon_scheduler_up", "gauge", "Whether a scheduler lives.", [({}, float(pulse.scheduler is not None))]
    )
    if pulse.scheduler is not None:
        age = max(now - pulse.scheduler.beat_at, 0.0)
        yield Family("horizon_scheduler_beat_age_seconds", "gauge", "Since the scheduler's last beat.", [({}, age)])
    if pulse.last_snapshot_at is not None:
        age = max(now - pulse.last_snapshot_at, 0.0)
        yield Family("horizon_snapshot_age_seconds", "gauge", "Since the last snapshot.", [({}, age)])
        yield Family(
            "horizon_snapshot_age_limit_seconds",
            "gauge",
            "Age from which on the last snapshot is too old, by the pace of the entry that takes them.",
            [({}, snapshot_too_old_from(pulse.last_snapshot_at) - pulse.last_snapshot_at)],
        )


def of_history(stores: Stores, pulse: Pulse, now: float) -> Iterator[Family]:
    """What has run, as far as it is collected."""
    reach = extent(stores, now)
    yield Family("horizon_collector_up", "gauge", "Whether a collector lives.", [({}, float(bool(reach.collector)))])
    yield Family("horizon_collector_behind_runs", "gauge", "Runs that wait to be collected.", [({}, reach.behind)])
    behind = max(now - reach.until, 0.0) if reach.behind else 0.0
    yield Family(
        "horizon_collector_behind_seconds", "gauge", "Age of the oldest run that waits to be collected.", [({}, behind)]
    )
    names: Mapping[Kind, Sequence[str]] = {
        "queue": [queue.name for queue in pulse.queues],
        # From a whole hour on, so that one scrape asks as the one before did.
        "job": busiest("job", since=(now - DAY) // HOUR * HOUR, most=MOST_JOBS),
    }
    found = counts_of(names, seconds=EVER, since=0)
    queues, jobs = ({each: found[kind].get(each, Counts()) for each in names[kind]} for kind in found)
    yield Family(
        "horizon_runs_total",
        "counter",
        "Ended attempts by queue and outcome.",
        [
            ({"queue": name, "outcome": outcome}, getattr(counts, outcome))
            for name, counts in queues.items()
            for outcome in ("succeeded", "failed", "retried", "stopped")
        ],
    )
    yield from durations("queue", queues)
    yield from durations("job", jobs)


def durations(kind: Kind, found: dict[str, Counts]) -> Iterator[Family]:
    """How long attempts ran and had waited, by queue or by job name."""

    def at(name: str) -> Labels:
        return {kind: name}

    yield Family(
        f"horizon_{kind}_run_seconds",
        "histogram",
        f"How long attempts ran, by {kind}.",
        histograms=[(at(name), counts.run_times, counts.run_seconds) for name, counts in found.items()],
    )
    yield Family(
        f"horizon_{kind}_wait_seconds",
        "histogram",
        f"How long attempts had waited, by {kind}.",
        histograms=[(at(name), counts.wait_times, counts.wait_seconds) for name, counts in found.items()],
    )


def of_alerts(now: float) -> Iterator[Family]:
    """What fires, muted or not, and whether anybody looks."""
    firing = Counter(each.rule for each in book.standings() if each.fired_at is not None)
    rules = [name for name in RULES if name in alert_options().rules]
    yield Family(
        "horizon_alerts_firing",
        "gauge",
        "Alerts that fire, by rule.",
        [({"rule": each}, firing[each]) for each in rules],
    )
    yield Family(
        "horizon_alerts_kept",
        "gauge",
        "Whether a process looks and tells.",
        [({}, float(book.keeper(now) is not None))],
    )
