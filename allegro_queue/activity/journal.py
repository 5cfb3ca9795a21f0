"""Writing and reading the journal of what people did."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.db import DatabaseError, transaction
from django.db.models import Q

from allegro_queue.activity.models import Activity
from allegro_queue.conf import horizon_settings
from allegro_queue.storable import storable
from allegro_queue.tellings import Telling

log = logging.getLogger(__name__)

LONGEST = 500
"""Letters of a subject or an outcome that are kept."""

PAGE = 50
"""Rows of one page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What somebody did."""

    at: float
    who: str
    via: Activity.Via
    action: str
    subject: Telling
    outcome: Telling
    succeeded: bool
    reason: str = ""
    address: str | None = None
    user_id: int | None = None
    """For admin's own list of recent actions; none when nobody is signed in."""
    run_id: int | None = None
    """The run over many jobs that it was about."""


def note(deed: Deed) -> None:
    """Write it down. The deed is done by now, so a database that refuses is logged and stops nobody; nor can anybody have
    it refuse by what they type."""
    subject, subject_said = deed.subject.as_columns(LONGEST)
    outcome, outcome_said = deed.outcome.as_columns(LONGEST)
    try:
        with transaction.atomic():
            Activity.objects.create(
                at=datetime.fromtimestamp(deed.at, UTC),
                who=storable(deed.who)[:254],
                via=deed.via,
                action=deed.action[:40],
                subject=subject,
                subject_said=subject_said,
                reason=storable(deed.reason)[:200],
                outcome=outcome,
                outcome_said=outcome_said,
                succeeded=deed.succeeded,
                address=deed.address or None,
                run_id=deed.run_id,
            )
            if deed.user_id is not None and apps.is_installed("django.contrib.admin"):
                note_in_admin(deed.action, subject, outcome, deed.user_id)
    except DatabaseError as error:
        log.error("not noted: %s %s by %s (%s)", deed.action, deed.subject, deed.who, error)


def note_in_admin(action: str, subject: str, outcome: str, user_id: int) -> None:
    """Have admin's "recent actions" show it."""
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType

    LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_by_natural_key("allegro_queue", "horizon"),
        object_repr=f"{action} {subject}"[:200],
        action_flag=CHANGE,
        change_message=outcome,
    )


def read(
    *, who: str = "", action: str = "", words: str = "", before: int | None = None, most: int = PAGE
) -> Sequence[Activity]:
    """One page of deeds, newest first.

    Args:
        words: must stand in subject, reason or outcome, as these are in English.
        before: the id of the last one seen; none for the first page.
        most: how many a page has.
    """
    rows = Activity.objects.order_by("-id")
    if who:
        rows = rows.filter(who=who)
    if action:
        rows = rows.filter(action=action)
    if words:
        rows = rows.filter(Q(subject__icontains=words) | Q(reason__icontains=words) | Q(outcome__icontains=words))
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows[:most])


MOST_MARKS = 20


def deeds_on(subjects: Sequence[str], actions: Sequence[str], *, since: float) -> list[Activity]:
    """What was done about something since a Unix time, and succeeded: the newest of it, the first first.

    Args:
        subjects: how a subject begins: ``queue high``, alone or before a comma.
    """
    about = Q()
    for each in subjects:
        about |= Q(subject=each) | Q(subject__startswith=f"{each},")
    rows = Activity.objects.filter(
        about, action__in=actions, succeeded=True, at__gte=datetime.fromtimestamp(since, UTC)
    )
    return list(rows.order_by("-id")[:MOST_MARKS])[::-1]


def people() -> list[str]:
    """Everybody who did something, sorted."""
    return list(Activity.objects.order_by("who").values_list("who", flat=True).distinct()[:200])


def trim(now: float) -> int:
    """Delete what is older than ``HORIZON["activity_days"]``; how many there were."""
    oldest = datetime.fromtimestamp(now, UTC) - timedelta(days=horizon_settings().activity_days)
    deleted, _ = Activity.objects.filter(at__lt=oldest).delete()
    return deleted
