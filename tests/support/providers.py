"""Providers for tests, registered while a test runs: what they do is a function that the test gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

from django.db.models import QuerySet

from allegro.audience import providers
from allegro.audience.models import Member
from allegro.audience.providers import AbstractSyncProvider, Fetched, Known, register

Sync = Callable[[Member], Fetched]


@contextmanager
def registered_as(
    provider_name: str, sync: Sync, members: Callable[[], QuerySet[Member]] | None = None
) -> Iterator[None]:
    """A provider of this name that syncs by a function, and syncs these members if it is to say whom."""

    class TestProvider(AbstractSyncProvider):
        name: ClassVar[str] = provider_name

        def members_to_sync(self) -> QuerySet[Member]:
            return members() if members else super().members_to_sync()

        def refresh_interval(self) -> timedelta:
            return timedelta(minutes=5)

        def sync(self, member: Member, known: Known, *, seconds: float) -> Fetched:
            return sync(member)

    register(TestProvider)
    try:
        yield
    finally:
        del providers._providers[provider_name]
