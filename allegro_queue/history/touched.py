"""What a failure group touches, from its newest runs: tenants, samples of tracebacks, and jobs that it leaves failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Max

from allegro_queue.history.database import alias, database
from allegro_queue.history.models import Run
from allegro_queue.history.run_rows import RUNS

# ruff: noqa: S608 - what is put into a statement is a constant of this file or of the model; values are parameters
SAMPLED = 200
"""Newest runs of a group that are asked for their tenants."""

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Tenants:
    """Tenants among a group's newest runs, the one most often hit first."""

    names: tuple[str, ...] = ()
    is_all: bool = True
    """Whether every run was looked at; else there may be more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One failure of a group with its traceback. Texts are masked."""

    job_id: str
    name: str
    attempt: int
    ended_at: float
    version: str
    exception: str
    message: str
    traceback: str


def tenants_of(fingerprints: Sequence[str]) -> Mapping[str, Tenants]:
    """The tenants of some groups, in one query that looks at a bounded number of rows."""
    if not fingerprints:
        return {}
    one = (
        f"SELECT fingerprint, tenant FROM (SELECT fingerprint, tenant FROM {RUNS} WHERE fingerprint = %s "
        f"AND NOT (fingerprint = '') ORDER BY id DESC LIMIT {SAMPLED}) AS newest"
    )
    statement = (
        "SELECT fingerprint, tenant, count(*) FROM ("
        + " UNION ALL ".join([one] * len(fingerprints))
        + ") AS found GROUP BY fingerprint, tenant"
    )
    hit: dict[str, dict[str, int]] = {each: {} for each in fingerprints}
    with database().cursor() as cursor:
        cursor.execute(statement, list(fingerprints))
        for fingerprint, tenant, count in cursor.fetchall():
            hit[fingerprint][tenant] = count
    return {each: Tenants(most_hit(hit[each]), is_all=sum(hit[each].values()) < SAMPLED) for each in fingerprints}


def most_hit(hit: Mapping[str, int]) -> tuple[str, ...]:
    """Tenants by how often each was hit; runs without one count for none."""
    return tuple(sorted(filter(None, hit), key=lambda name: (-hit[name], name)))


def newest_of(fingerprint: str) -> tuple[Tenants, list[Sample]]:
    """The tenants of one group, and its newest failures, the newest first: one query."""
    columns = ("job_id", "name", "attempt", "ended_at", "version", "exception", "message")
    statement = (
        f"SELECT tenant, {', '.join(columns)}, CASE WHEN place <= {SAMPLES} THEN traceback ELSE '' END FROM ("
        "SELECT newest.*, row_number() OVER (ORDER BY id DESC) AS place FROM ("
        f"SELECT id, tenant, {', '.join(columns)}, traceback FROM {RUNS} WHERE fingerprint = %s "
        f"AND NOT (fingerprint = '') ORDER BY id DESC LIMIT {SAMPLED}) AS newest) AS placed ORDER BY place"
    )
    with database().cursor() as cursor:
        cursor.execute(statement, [fingerprint])
        rows = cursor.fetchall()
    hit = Counter(tenant for tenant, *_ in rows)
    samples = [Sample(**dict(zip((*columns, "traceback"), values, strict=True))) for _, *values in rows[:SAMPLES]]
    return Tenants(most_hit(hit), is_all=len(rows) < SAMPLED), samples


def jobs_left_by(fingerprint: str, most: int) -> list[str]:
    """Ids of jobs whose newest attempt failed for good with this group, the newest first."""
    runs = Run.objects.using(alias())
    failed = runs.filter(fingerprint=fingerprint, outcome__in=("failed", "lost")).exclude(fingerprint="")
    newest: dict[str, int] = {}
    for job_id, number in failed.order_by("-id").values_list("job_id", "id")[: 2 * most]:
        newest.setdefault(job_id, number)
    ids = list(newest)[:most]
    last = dict(runs.filter(job_id__in=ids).values_list("job_id").annotate(last=Max("id")))
    return [each for each in ids if last.get(each) == newest[each]]
