"""How a source is doing for an organization: kept on its run, so that one look at it says whom to ask.

Many jobs write here at once. A success is therefore noted only when it says something new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from allegro.audience.models import ProviderAccount, SyncRun

NOTED_EVERY = timedelta(seconds=10)

BROKEN_AFTER = 3
"""Failures in a row after which sign-ins no longer wait for a source …"""

BROKEN_FOR = timedelta(minutes=1)
"""… until this long after the last of them. Background jobs go on asking, so its recovery is noticed."""

LONGEST_WAIT = timedelta(hours=1)
"""The most that a source's wish to be left alone is followed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What a run says of its source."""

    busy_until: datetime | None = None
    failures_in_a_row: int = 0
    last_failure_at: datetime | None = None

    def why_not_now(self, now: datetime) -> str:
        """Why a sign-in should not wait for the source; empty when it may."""
        if self.busy_until is not None and self.busy_until > now:
            return "The source asked to be left alone for a while."
        broken = self.failures_in_a_row >= BROKEN_AFTER and self.last_failure_at is not None
        if broken and self.last_failure_at is not None and self.last_failure_at > now - BROKEN_FOR:
            return f"The source failed {self.failures_in_a_row} times in a row just now."
        return ""


def health_of(organization_id: int) -> dict[str, Health]:
    """By provider."""
    rows = SyncRun.objects.filter(organization_id=organization_id)
    return {
        row.provider: Health(
            busy_until=row.busy_until, failures_in_a_row=row.failures_in_a_row, last_failure_at=row.last_failure_at
        )
        for row in rows
    }


def busy_until(account: ProviderAccount, now: datetime) -> datetime | None:
    """Until when the source asked to be left alone; ``None`` when it may be asked."""
    return run_of(account).filter(busy_until__gt=now).values_list("busy_until", flat=True).first()


def note_success(account: ProviderAccount, now: datetime) -> None:
    """The source has answered."""
    noted_lately = Q(failures_in_a_row=0, last_success_at__gt=now - NOTED_EVERY)
    if not run_of(account).exclude(noted_lately).update(failures_in_a_row=0, last_success_at=now):
        make_sure(account)


def note_failure(account: ProviderAccount, error: str, now: datetime) -> None:
    """The source was asked in vain."""
    make_sure(account)
    run_of(account).update(failures_in_a_row=F("failures_in_a_row") + 1, last_failure_at=now, last_error=error[:500])


def note_busy(account: ProviderAccount, wait_seconds: float, now: datetime) -> datetime:
    """The source wants to be left alone; no job asks it until then.

    Returns:
        Until when.
    """
    make_sure(account)
    until = now + min(timedelta(seconds=max(wait_seconds, 1)), LONGEST_WAIT)
    later = run_of(account).filter(Q(busy_until__isnull=True) | Q(busy_until__lt=until))
    later.update(busy_until=until)
    return until


def note_stale_sign_in(account: ProviderAccount, now: datetime) -> None:
    """A sign-in went on with old data."""
    make_sure(account)
    run_of(account).update(stale_sign_ins=F("stale_sign_ins") + 1, last_stale_sign_in_at=now)


def make_sure(account: ProviderAccount) -> None:
    """Make the run's row if it is missing."""
    SyncRun.objects.get_or_create(organization_id=account.organization_id, provider=account.provider)


def run_of(account: ProviderAccount) -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(organization_id=account.organization_id, provider=account.provider)
