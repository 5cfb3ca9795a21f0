"""How a source is doing for an organization: kept on its run, so that one look at it says whom to ask.

Many jobs write here at once. A success is therefore noted only when it says something new.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from allegro.audience.kept_errors import error_columns
from allegro.audience.models import ProviderAccount, SyncRun
from allegro_queue.tellings import Telling

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
    last_success_at: datetime | None = None

    def is_busy(self, now: datetime) -> bool:
        """Whether the source asked to be left alone until later than now."""
        return self.busy_until is not None and self.busy_until > now

    def is_noted(self, now: datetime) -> bool:
        """Whether another success would say nothing new."""
        lately = self.last_success_at is not None and self.last_success_at > now - NOTED_EVERY
        return lately and not self.failures_in_a_row

    def why_not_now(self, now: datetime) -> str:
        """Why a sign-in should not wait for the source; empty when it may."""
        if self.is_busy(now):
            return "The source asked to be left alone for a while."
        broken = self.failures_in_a_row >= BROKEN_AFTER and self.last_failure_at is not None
        if broken and self.last_failure_at is not None and self.last_failure_at > now - BROKEN_FOR:
            return f"The source failed {self.failures_in_a_row} times in a row just now."
        return ""


FIELDS = tuple(each.name for each in fields(Health))


def health_by_provider(organization_id: int) -> dict[str, Health]:
    """How all sources of an organization are doing."""
    rows = SyncRun.objects.filter(organization_id=organization_id).values("provider", *FIELDS)
    return {row.pop("provider"): Health(**row) for row in rows}


def health_of(account: ProviderAccount) -> Health:
    """How one source is doing."""
    row = run_of(account).values(*FIELDS).first()
    return Health(**row) if row else Health()


def note_success(account: ProviderAccount, now: datetime, before: Health | None = None) -> None:
    """The source has answered.

    Args:
        before: how it did a moment ago, if the caller knows; spares writing what is known.
    """
    if before is not None and before.is_noted(now):
        return
    noted_lately = Q(failures_in_a_row=0, last_success_at__gt=now - NOTED_EVERY)
    if not run_of(account).exclude(noted_lately).update(failures_in_a_row=0, last_success_at=now):
        make_sure(account)


def note_failure(account: ProviderAccount, error: Telling, now: datetime) -> None:
    """The source was asked in vain."""
    make_sure(account)
    run_of(account).update(
        failures_in_a_row=F("failures_in_a_row") + 1,
        last_failure_at=now,
        **error_columns(error, "last_error"),
    )


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
