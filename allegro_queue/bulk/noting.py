"""From Redis to the database: what became of each job of a run, every result once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import Outcome

AT_ONCE = 2_000
ROWS_KEPT = 100_000
"""Results of one run that are kept one by one; beyond them they are counted."""

RESULT_DAYS = 30
"""Days that they are kept."""

RUN_DAYS = 400
DAY = 86_400

WORDS = ("done", "gone", "running", "later", "barred", "other")


def note(stores: Stores, run: BulkRun, now: float) -> None:
    """Read on in the run's results, and write down what is new with the place that was read to, in one transaction.

    Whoever does this at the same time, or does it again after a crash, finds the place moved and reads on from there.
    """
    while found := stores.bulk.results(run.pk, run.noted, AT_ONCE):
        write(run, found, now)
        run.refresh_from_db()


def write(run: BulkRun, found: Sequence[Outcome], now: float) -> None:
    """One portion, unless somebody else has written it."""
    rows = [result_row(run, run.noted + place, each) for place, each in enumerate(found)]
    tally = Counter(row.result for row in rows)
    with transaction.atomic():
        moved = BulkRun.objects.filter(pk=run.pk, noted=run.noted).update(
            noted=F("noted") + len(rows), moved_at=now, **{word: F(word) + tally[word] for word in WORDS}
        )
        if moved:
            BulkResult.objects.bulk_create([row for row in rows if row.number < ROWS_KEPT], batch_size=500)


def result_row(run: BulkRun, number: int, found: Outcome) -> BulkResult:
    word, _, detail = found.result.partition(":")
    return BulkResult(
        run=run,
        number=number,
        job_id=found.job_id,
        result=word if word in WORDS else "other",
        detail=detail[:200],
    )


def trim(now: float) -> None:
    """Delete old results and old runs. What began lately is bounded by what people can begin."""
    old = list(BulkRun.objects.filter(created_at__lt=now - RESULT_DAYS * DAY).values_list("pk", flat=True))
    while doomed := list(BulkResult.objects.filter(run__in=old).values_list("pk", flat=True)[:500]):
        BulkResult.objects.filter(pk__in=doomed).delete()
    BulkRun.objects.filter(created_at__lt=now - RUN_DAYS * DAY).delete()
