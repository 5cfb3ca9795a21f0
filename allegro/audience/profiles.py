"""External profiles: how old they may be, how they are refreshed, and how what is newer is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from allegro.audience.models import ExternalProfile, Member, ProviderAccount
from allegro.audience.providers import SyncProvider, UnknownProvider, provider_for

log = logging.getLogger(__name__)

LOGIN_SECONDS = 3.0
"""Time that signing in may take for all sources together. This port's own choice."""

JOB_SECONDS = 20.0
"""Time that a job gives one source for one member; well below the job's own limit."""


def is_stale(synced_at: datetime | None, max_age: timedelta | None, now: datetime) -> bool:
    """Whether a profile is too old for a sign-in at ``now``. One that was never fetched is; ``None`` as age: never."""
    if max_age is None:
        return False
    return synced_at is None or synced_at + max_age < now


def refresh(provider: SyncProvider, member: Member, seconds: float) -> None:
    """Ask one source about one member and store what it says; a failure is recorded on the profile.

    Raises:
        Exception: whatever the provider raised, after it was recorded.
    """
    started = timezone.now()
    try:
        payload = provider.sync(member, seconds=seconds)
    except Exception as error:
        record_failure(member, provider.name, str(error) or type(error).__name__, started)
        raise
    store_payload(member, provider.name, payload, started)


def store_payload(member: Member, provider: str, payload: Mapping[str, Any], asked_at: datetime) -> bool:
    """Keep an answer unless a newer one is there; one statement decides, so that two at once cannot both win.

    Returns:
        Whether it was kept.
    """
    ExternalProfile.objects.get_or_create(member=member, provider=provider)
    kept = (
        ExternalProfile.objects.filter(member=member, provider=provider)
        .filter(Q(synced_at__isnull=True) | Q(synced_at__lt=asked_at))
        .update(payload=dict(payload), synced_at=asked_at, error="", failed_at=None)
    )
    return bool(kept)


def record_failure(member: Member, provider: str, error: str, asked_at: datetime) -> None:
    """Note on the profile that its source was asked in vain; what it said before stays."""
    ExternalProfile.objects.get_or_create(member=member, provider=provider)
    ExternalProfile.objects.filter(member=member, provider=provider).update(error=error[:500], failed_at=asked_at)


def stale_providers(member: Member, now: datetime) -> Iterator[SyncProvider]:
    """Enabled providers whose profile of this member is too old for a sign-in at ``now``."""
    synced = dict(member.external_profiles.values_list("provider", "synced_at"))
    for account in ProviderAccount.objects.filter(organization_id=member.organization_id, enabled=True):
        try:
            provider = provider_for(account)
            max_age = provider.max_age_on_login()
        except UnknownProvider:
            log.warning("provider not registered provider=%s organization=%s", account.provider, member.organization_id)
            continue
        if is_stale(synced.get(account.provider), max_age, now):
            yield provider


def ensure_fresh_for_login(member: Member, seconds: float = LOGIN_SECONDS) -> list[str]:
    """Refresh what is too old for a sign-in, now and in this process, within ``seconds`` all in all.

    Fails open: a source that is away does not keep members out; they go on with what is stored.

    Returns:
        Names of the providers that were asked and answered.
    """
    deadline = time.monotonic() + seconds
    refreshed = []
    for provider in list(stale_providers(member, timezone.now())):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            log.warning(
                "sign-in went on with a stale profile provider=%s member=%s (no time left)", provider.name, member.pk
            )
            continue
        try:
            refresh(provider, member, remaining)
        except Exception:
            log.warning(
                "sign-in went on with a stale profile provider=%s member=%s", provider.name, member.pk, exc_info=True
            )
            continue
        refreshed.append(provider.name)
    return refreshed
