"""The contract for outside sources of audience data, and the registry that apps fill once at start.

A provider only says what is to be asked and asks it. Scheduling, queueing, freshness at sign-in, and keeping one
source's trouble away from the others are this package's work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from allegro.audience.models import Member, ProviderAccount
from allegro_queue.errors import nearest
from allegro_queue.tellings import Telling, telling

NAME = re.compile(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z")
LONGEST_NAME = 50
METHODS = ("check_account", "members_to_sync", "refresh_interval", "max_age_on_login", "sync")


class UnknownProvider(Exception):
    """An account names a provider that no app has registered."""


class InvalidProvider(ValueError):
    """What an app registers is no provider; all that is missing is listed."""


class ProviderFailed(Exception):
    """A source could not be asked, or its answer made no sense.

    The message, a telling best, is stored and shown to staff: it holds no address of a member and nothing secret.
    """


class SourceBusy(ProviderFailed):
    """A source asks to be left alone for a while. Not a failure of the member's: it is asked again later."""

    def __init__(self, message: str | Telling, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is stored of a member at a provider, for a source that can say "unchanged"."""

    payload: Mapping[str, Any] = field(default_factory=dict)
    etag: str = ""
    """As the source gave it with this payload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What a source says of one member, as JSON; an empty payload: it does not know them."""

    payload: Mapping[str, Any] = field(default_factory=dict)
    unchanged: bool = False
    """What is stored still holds; ``payload`` is not looked at."""
    etag: str = ""
    """Given back as ``Known.etag`` the next time."""
    changed_at: datetime | None = None
    """Since when it has been so, by the source's clock, if it says. What is stored with a later one is kept."""
    rest_seconds: float = 0
    """The source answered, and wants no further question for so long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of a source's list."""

    rows: tuple[tuple[str, Fetched], ...]
    """Address and what is said of whoever has it, in the list's order."""
    next_cursor: str
    """Where the list goes on; empty at its end. Kept in the database, never in a job."""
    rest_seconds: float = 0
    """As in ``Fetched``."""


class SyncProvider(Protocol):
    """What the platform needs of a provider; one object stands for one organization's account."""

    name: ClassVar[str]
    """Key of the provider's profiles, such as ``mailchimp``; unique among all providers."""

    def __init__(self, account: ProviderAccount) -> None: ...

    def check_account(self) -> None:
        """Raise ``ValidationError`` if the account's fields make no sense for this provider."""

    def members_to_sync(self) -> QuerySet[Member]:
        """Members of a scheduled round, as a query that can still be ordered and filtered (not a slice)."""

    def refresh_interval(self) -> timedelta:
        """Time between two scheduled rounds."""

    def max_age_on_login(self) -> timedelta | None:
        """How old a profile may be when its member signs in; ``None``: signing in never asks this provider."""

    def sync(self, member: Member, known: Known, *, seconds: float) -> Fetched:
        """Ask the source about one member; nothing is stored here.

        It may be called in a thread of its own, beside other providers.

        Args:
            seconds: give up after this long, all in all. At a sign-in nobody waits any longer.

        Raises:
            SourceBusy: the source asks to be left alone for a while.
            ProviderFailed: it could not be asked in time, or its answer made no sense.
        """


@runtime_checkable
class ListingProvider(Protocol):
    """A provider whose source can also be read as a list, many members at a time."""

    def page(self, cursor: str, *, seconds: float) -> Page:
        """One part of the list; an empty cursor is its beginning.

        Raises:
            SourceBusy, ProviderFailed: as for ``sync``.
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

    def sync(self, member: Member, known: Known, *, seconds: float) -> Fetched:
        raise NotImplementedError(f"{type(self).__name__} must say how one member is asked for.")


_providers: dict[str, type[SyncProvider]] = {}


def register(provider: type[SyncProvider]) -> None:
    """Make a provider known; called from ``AppConfig.ready`` of whichever app brings it.

    Raises:
        InvalidProvider: it lacks something, or another provider has its name; no process starts with it.
    """
    if faults := faults_of(provider):
        raise InvalidProvider(f"{path_of(provider)} is no sync provider: {'; '.join(faults)}.")
    known = _providers.setdefault(provider.name, provider)
    if known is not provider:
        raise InvalidProvider(
            f"Two providers are named {provider.name!r}: {path_of(known)} and {path_of(provider)}. "
            "The name is the key of stored profiles; rename one."
        )


def faults_of(provider: type[SyncProvider]) -> list[str]:
    """What a class lacks to be a provider."""
    faults = []
    name = getattr(provider, "name", None)
    if not isinstance(name, str) or not NAME.match(name) or len(name) > LONGEST_NAME:
        faults.append(
            f"its name is {name!r}; it must be words in lower case joined by hyphens, at most {LONGEST_NAME} characters"
        )
    missing = [each for each in METHODS if not callable(getattr(provider, each, None))]
    if getattr(provider, "sync", None) is AbstractSyncProvider.sync:
        missing.append("sync")
    faults += [f"it has no method {each}()" for each in missing]
    return faults


def path_of(provider: type[SyncProvider]) -> str:
    return f"{provider.__module__}.{provider.__qualname__}"


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
        raise UnknownProvider(unknown_words(account.provider)) from None


def unknown_words(provider: str) -> Telling:
    """With the nearest that there is, or all."""
    near = nearest(provider, _providers)
    text = (
        gettext_noop("No app has registered the provider {name}; did you mean {near}?")
        if near
        else gettext_noop("No app has registered the provider {name}; known are {known}.")
    )
    return telling(text, name=repr(provider), near=repr(near), known=", ".join(map(repr, sorted(_providers))))
