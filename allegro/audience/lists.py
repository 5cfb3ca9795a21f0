"""Reading a source's list at the start of a round: many members in one answer, so that few are left to ask for singly.

The list only spares questions. Whoever is not in it is asked for like anybody else, and a list that cannot be read
costs nothing but that.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from allegro.audience.faults import told
from allegro.audience.health import note_failure, note_success
from allegro.audience.kept_errors import error_columns
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound
from allegro.audience.profiles import checked, store, store_first
from allegro.audience.providers import Fetched, ListingProvider, Page, ProviderFailed, SourceBusy
from allegro_queue.tellings import telling, told_by

log = logging.getLogger(__name__)

MOST_PAGES = 10_000
"""A list that goes on and on is not read any further."""


def read_list(step: SyncRound, account: ProviderAccount, provider: ListingProvider, seconds: float) -> None:
    """Read on for ``seconds``; ``list_done_at`` is set on the round at the list's end, or when it cannot be read.

    Raises:
        SourceBusy: the source asks to be left alone; the round reads on from the same page later.
    """
    deadline = time.monotonic() + seconds
    while step.list_done_at is None and (remaining := deadline - time.monotonic()) > 0:
        asked_at = timezone.now()
        try:
            page = provider.page(step.list_cursor, seconds=remaining)
        except SourceBusy:
            raise
        except Exception as error:  # noqa: BLE001 - providers are other people's code
            give_up(step, account, told(error, account.provider))
            return
        note_success(account, asked_at)
        listed = keep_page(account, page, asked_at)
        if not turn(step, page, listed):
            return
        if page.rest_seconds and page.next_cursor:
            raise SourceBusy(telling("The source's limit for the present is used up."), page.rest_seconds)


def keep_page(account: ProviderAccount, page: Page, asked_at: datetime) -> int:
    """Store what a page says of this organization's members.

    Returns:
        How many of them were in it.
    """
    said = {email: fetched for email, fetched in page.rows if is_keepable(fetched)}
    members = list(Member.objects.filter(organization_id=account.organization_id, email__in=list(said)))
    stored = set(
        ExternalProfile.objects.filter(provider=account.provider, member__in=members).values_list(
            "member_id", flat=True
        )
    )
    try:
        with transaction.atomic():
            new = {each.pk: said[each.email] for each in members if each.pk not in stored}
            store_first(new, account.provider, asked_at)
            for member in members:
                if member.pk in stored:
                    store(member, account.provider, said[member.email], asked_at)
    except IntegrityError:
        # Somebody was deleted meanwhile, who is passed over when each is stored alone.
        for member in members:
            store(member, account.provider, said[member.email], asked_at)
    return len(members)


def is_keepable(fetched: Fetched) -> bool:
    """Whether a row can be stored; who is in one that cannot is asked for singly, where the reason is recorded."""
    try:
        checked(fetched)
    except ProviderFailed:
        return False
    return True


def turn(step: SyncRound, page: Page, listed: int) -> bool:
    """Note a page as read.

    Returns:
        Whether this step may read on: not when another has turned the page meanwhile.
    """
    ended = not page.next_cursor or step.pages + 1 >= MOST_PAGES
    now = timezone.now()
    turned = SyncRound.objects.filter(pk=step.pk, pages=step.pages, list_done_at__isnull=True).update(
        list_cursor=page.next_cursor,
        pages=F("pages") + 1,
        listed=F("listed") + listed,
        moved_at=now,
        list_done_at=now if ended else None,
    )
    step.refresh_from_db()
    return bool(turned)


def give_up(step: SyncRound, account: ProviderAccount, fault: ProviderFailed) -> None:
    """Do without the list: everybody is asked for singly."""
    now = timezone.now()
    log.warning("list not read provider=%s account=%s: %s", account.provider, account.pk, fault)
    note_failure(account, telling("The list was not read: {reason}", reason=told_by(fault)), now)
    SyncRound.objects.filter(pk=step.pk).update(list_done_at=now, moved_at=now, **error_columns(told_by(fault)))
    step.refresh_from_db()
