"""What an answer of a source leaves behind, or that there was none: on the profile, and on how the source does."""

from __future__ import annotations

from datetime import datetime

from allegro.audience.health import Health, note_failure, note_success
from allegro.audience.models import Member, ProviderAccount
from allegro.audience.pauses import leave_alone
from allegro.audience.profiles import put_off, record_failure, store
from allegro.audience.providers import Fetched, SourceBusy
from allegro_queue.tellings import Telling


def keep_answer(
    member: Member, account: ProviderAccount, fetched: Fetched, asked_at: datetime, before: Health | None = None
) -> bool:
    """Store an answer.

    Args:
        before: how the source did a moment ago, if the caller knows; spares writing what is known.

    Returns:
        Whether it is stored; not when what is stored is newer.
    """
    kept = store(member, account.provider, fetched, asked_at)
    note_success(account, asked_at, before)
    if fetched.rest_seconds:
        leave_alone(account, fetched.rest_seconds, asked_at)
    return kept


def keep_wish(member: Member, account: ProviderAccount, busy: SourceBusy, asked_at: datetime) -> None:
    """The source asked to be left alone: the member is asked for later."""
    put_off(member, account.provider, leave_alone(account, busy.wait_seconds, asked_at), asked_at)


def keep_fault(member: Member, account: ProviderAccount, said: Telling, asked_at: datetime) -> None:
    """The source was asked in vain."""
    record_failure(member, account.provider, said, asked_at)
    note_failure(account, said, asked_at)
