"""External profiles: what a source said of a member, and how what is newer is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from allegro.audience.faults import told
from allegro.audience.kept_errors import error_columns
from allegro.audience.models import ExternalProfile, Member
from allegro.audience.providers import Fetched, Known, ProviderFailed, SyncProvider
from allegro_queue.tellings import Telling, telling
from allegro_queue.tenancy import acting_for

MALFORMED = gettext_noop("The provider returned a {found}; it must return Fetched, with a dict as its payload.")

NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""As JSON writes it, and not a backslash with such letters behind it. PostgreSQL has no place for this character."""

LARGEST_PAYLOAD_BYTES = 64 * 1024

FUTURE = timedelta(days=1)
"""A source's clock may be this far ahead. A change that is said to come later is not believed: nothing could follow it."""


def is_stale(synced_at: datetime | None, max_age: timedelta | None, now: datetime) -> bool:
    """Whether a profile is too old for a sign-in at ``now``. One that was never fetched is; ``None`` as age: never."""
    if max_age is None:
        return False
    return synced_at is None or synced_at + max_age < now


def known_of(member: Member, provider: str) -> Known:
    """What is stored of a member at a provider."""
    row = rows_of(member, provider).filter(synced_at__isnull=False).values_list("payload", "etag").first()
    return Known(payload=row[0], etag=row[1]) if row else Known()


def ask(provider: SyncProvider, member: Member, known: Known, seconds: float) -> Fetched:
    """Ask one source about one member; stores nothing.

    Raises:
        ProviderFailed: whatever went wrong, in words that may be shown.
    """
    try:
        # Also in a thread of its own, which knows nothing of whoever started it.
        with acting_for(str(member.organization_id)):
            return checked(provider.sync(member, known, seconds=seconds))
    except Exception as error:  # noqa: BLE001 - providers are other people's code
        # The cause is left behind: its message may hold what nobody should read.
        raise told(error, provider.name) from None


def checked(fetched: Fetched) -> Fetched:
    """The same answer, once it is known that every database can keep it.

    Raises:
        ProviderFailed: it is no answer, or its payload is not plain JSON, is too long, or holds text that is none.
    """
    if not isinstance(fetched, Fetched):
        raise ProviderFailed(telling(MALFORMED, found=type(fetched).__name__))
    if not isinstance(fetched.payload, dict):
        raise ProviderFailed(telling(MALFORMED, found="payload of " + type(fetched.payload).__name__))
    try:
        written = json.dumps(fetched.payload, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise ProviderFailed(telling("The source's answer cannot be kept: it is not plain JSON.")) from None
    if NUL.search(written):
        raise ProviderFailed(telling("The source's answer cannot be kept: it holds the character NUL."))
    if len(written) > LARGEST_PAYLOAD_BYTES:
        raise ProviderFailed(
            telling("The source's answer is longer than {most} KB.", most=LARGEST_PAYLOAD_BYTES // 1024)
        )
    return fetched


def store(member: Member, provider: str, fetched: Fetched, asked_at: datetime) -> bool:
    """Keep an answer unless a newer one is there; one statement decides, so that two at once cannot both win.

    Newer is what the source itself says changed later; where it does not say, what was asked for later.

    Returns:
        Whether it was kept.
    """
    if fetched.changed_at is not None and fetched.changed_at > asked_at + FUTURE:
        fetched = replace(fetched, changed_at=None)
    if fetched.unchanged:
        # Only what it was compared with can be unchanged: somebody may have stored another version meanwhile.
        same = rows_of(member, provider).filter(etag=fetched.etag, synced_at__lt=asked_at)
        return bool(same.update(synced_at=asked_at, **error_columns(None), failed_at=None, ask_again_at=None))
    fields = columns_of(fetched, asked_at)
    older = rows_of(member, provider).filter(older_than(fetched, asked_at))
    if older.update(**fields):
        return True
    try:
        _, created = ExternalProfile.objects.get_or_create(member=member, provider=provider, defaults=fields)
    except IntegrityError:
        # The member was deleted while the source was asked.
        return False
    # The row may have been made between the two statements.
    return created or bool(older.update(**fields))


def store_first(rows: Mapping[UUID, Fetched], provider: str, asked_at: datetime) -> None:
    """Keep answers on members, by id, of whom nothing was stored, in one statement; what is there by now stays.

    Raises:
        IntegrityError: one of them was deleted; nothing was stored.
    """
    made = (
        ExternalProfile(member_id=member_id, provider=provider, **columns_of(fetched, asked_at))
        for member_id, fetched in rows.items()
    )
    ExternalProfile.objects.bulk_create(made, batch_size=500, ignore_conflicts=True)


def columns_of(fetched: Fetched, asked_at: datetime) -> dict[str, Any]:
    """An answer as a row has it."""
    return {
        "payload": fetched.payload,
        "etag": fetched.etag[:500],
        "changed_at": fetched.changed_at,
        "synced_at": asked_at,
        **error_columns(None),
        "failed_at": None,
        "ask_again_at": None,
    }


def older_than(fetched: Fetched, asked_at: datetime) -> Q:
    """Rows that this answer may replace."""
    asked_before = Q(synced_at__isnull=True) | Q(synced_at__lt=asked_at)
    if fetched.changed_at is None:
        return asked_before
    unsaid = Q(changed_at__isnull=True) & asked_before
    return unsaid | Q(changed_at__lt=fetched.changed_at) | (Q(changed_at=fetched.changed_at) & asked_before)


def record_failure(member: Member, provider: str, error: Telling, asked_at: datetime) -> None:
    """Note on the profile that its source was asked in vain; what it said before stays, and a later answer wins."""
    write_note(member, provider, asked_at, **error_columns(error), failed_at=asked_at)


def put_off(member: Member, provider: str, until: datetime, asked_at: datetime) -> None:
    """Note that the source was too busy for this member, who is to be asked for again from ``until`` on."""
    write_note(member, provider, asked_at, ask_again_at=until)


def write_note(member: Member, provider: str, asked_at: datetime, **fields: Any) -> None:
    """Write beside what is stored, unless the source has answered since."""
    unanswered = rows_of(member, provider).filter(Q(synced_at__isnull=True) | Q(synced_at__lt=asked_at))
    if unanswered.update(**fields):
        return
    try:
        ExternalProfile.objects.get_or_create(member=member, provider=provider, defaults=fields)
    except IntegrityError:
        # The member was deleted meanwhile; there is nobody to note it for.
        return


def rows_of(member: Member, provider: str) -> QuerySet[ExternalProfile]:
    """The member's row at this provider, if there is one."""
    return ExternalProfile.objects.filter(member=member, provider=provider)
