"""Links whose mail waits for an organization's mail server that does not answer. They cost no worker meanwhile."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from allegro.magic_links.links import queue_mail
from allegro.magic_links.models import MagicLink

MOST_AT_ONCE = 1000
"""Mails that are queued again at once; the next minute takes the rest."""


def put_off(link: MagicLink, now: datetime, *, may_have_gone: bool = False) -> None:
    """Leave the mail for later. When none was sent, the link's life begins when one is.

    Args:
        may_have_gone: the server may have taken the mail all the same, so the link in it stays as good as it is.
    """
    rows = MagicLink.objects.filter(pk=link.pk, sent_at__isnull=True)
    if may_have_gone:
        rows.update(put_off_at=now)
    else:
        rows.update(put_off_at=now, expires_at=None)


def may_go(now: datetime) -> QuerySet[MagicLink]:
    """Links that wait for nothing any more: their server may be tried, or is no longer the one that mail goes through."""
    left_alone = Q(organization__mail_account__enabled=True, organization__mail_account__open_until__gt=now)
    return MagicLink.objects.exclude(left_alone)


def queue_waiting(rows: QuerySet[MagicLink]) -> int:
    """Queue the mails of those that wait among these; how many. A job that must wait again puts its link off again."""
    with transaction.atomic():
        waiting = list(
            rows.select_for_update(of=("self",))
            .filter(put_off_at__isnull=False)
            .order_by("requested_at")[:MOST_AT_ONCE]
        )
        MagicLink.objects.filter(pk__in=[each.pk for each in waiting]).update(put_off_at=None)
        for link in waiting:
            queue_mail(link)
    return len(waiting)
