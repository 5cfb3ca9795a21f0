"""The contract for outside sources of audience data, and the registry that apps fill once at start.

A provider only says what is to be asked and asks it. Scheduling, queueing, freshness at sign-in, and keeping one
source's trouble away from the others are this package's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Protocol

from django.db.models import QuerySet

from allegro.audience.models import Member, ProviderAccount
from allegro_queue.errors import did_you_mean


class UnknownProvider(Exception):
    """An account names a provider that no app has registered."""


class ProviderFailed(Exception):
    """A source could not be asked, or its answer made no sense. The message holds no address of a member."""


class SyncProvider(Protocol):
    """What the platform needs of a provider; one object stands for one organization's account."""

    name: ClassVar[str]
    """Key of the provider's profiles; unique among all providers."""

    def __init__(self, account: ProviderAccount) -> None: ...

    def check_account(self) -> None:
        """Raise ``ValidationError`` if the account's fields make no sense for this provider."""

    def members_to_sync(self) -> QuerySet[Member]:
        """Members of a scheduled round, as a query."""

    def refresh_interval(self) -> timedelta:
        """Time between two scheduled rounds."""

    def max_age_on_login(self) -> timedelta | None:
        """How old a profile may be when its member signs in; ``None``: signing in never asks this provider."""

    def sync(self, member: Member, *, seconds: float) -> Mapping[str, Any]:
        """Ask the source about one member and return what it says, as JSON; nothing is stored here.

        Args:
            seconds: give up after this long, all in all.

        Raises:
            ProviderFailed: it could not be asked in time, or its answer made no sense.
        """


class AbstractSyncProvider:
    """Defaults from the account's own fields; a provider overrides what differs, and gives ``name`` and ``sync``."""

    name: ClassVar[str]

    def __init__(self, account: ProviderAccount) -> None:
        self.account = account

    def check_account(self) -> None:
        return None

    def members_to_sync(self) -> QuerySet[Member]:
        return Member.objects.filter(organization_id=self.account.organization_id)

    def refresh_interval(self) -> timedelta:
        return timedelta(minutes=self.account.refresh_minutes)

    def max_age_on_login(self) -> timedelta | None:
        minutes = self.account.max_login_age_minutes
        return None if minutes is None else timedelta(minutes=minutes)

    def sync(self, member: Member, *, seconds: float) -> Mapping[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} must say how one member is asked for.")


_providers: dict[str, type[SyncProvider]] = {}


def register(provider: type[SyncProvider]) -> None:
    """Make a provider known; called from ``AppConfig.ready``.

    Raises:
        ValueError: another provider has its name.
    """
    known = _providers.setdefault(provider.name, provider)
    if known is not provider:
        raise ValueError(
            f"Two providers are named {provider.name!r}: {known.__module__}.{known.__qualname__} and "
            f"{provider.__module__}.{provider.__qualname__}. The name is the key of stored profiles; rename one."
        )


def registered() -> list[str]:
    """Names of all providers, in order."""
    return sorted(_providers)


def provider_for(account: ProviderAccount) -> SyncProvider:
    """The provider of an account.

    Raises:
        UnknownProvider: no app has registered it.
    """
    try:
        return _providers[account.provider](account)
    except KeyError:
        raise UnknownProvider(
            f"No app has registered the provider {account.provider!r}{did_you_mean(account.provider, _providers)}"
        ) from None
