"""Lists that people come back to: a name for a filter, for themselves or for all."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from allegro_queue.tellings import telling

LONGEST_NAME = 80
LONGEST_FILTER = 1_000
MOST_OF_ONE = 50
MOST_SHARED = 100


class SavedView(models.Model):
    """A filter with a name. Nobody but its owner can delete it; a shared one is seen by all."""

    name = models.CharField(max_length=LONGEST_NAME)
    owner = models.CharField(max_length=254, help_text="The user's name.")
    shared = models.BooleanField(default=False)
    query = models.CharField(max_length=LONGEST_FILTER, help_text="As the address of the list has it.")
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "name"], name="horizon_view_one"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["name"], name="horizon_view_shared", condition=Q(shared=True)),
        ]

    def __str__(self) -> str:
        return self.name


class CannotSave(ValueError):
    """A view cannot be saved; the message is a telling of a sentence."""


def views_for(who: str) -> list[SavedView]:
    """Somebody's own views and those that are shared, by name: one query."""
    return list(SavedView.objects.filter(Q(owner=who) | Q(shared=True))[: MOST_OF_ONE + MOST_SHARED])


def save_view(*, who: str, name: str, query: str, shared: bool, at: datetime) -> bool:
    """Save a view; one of the same name is replaced. Whether it is new.

    Raises:
        CannotSave: it has no name, is too long, or there are too many.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise CannotSave(telling("give it a name of up to {most} characters.", most=LONGEST_NAME))
    if len(query) > LONGEST_FILTER:
        raise CannotSave(
            telling("its filter takes {n} characters; at most {most} are kept.", n=len(query), most=LONGEST_FILTER)
        )
    mine = SavedView.objects.filter(owner=who)
    if not mine.filter(name=name).exists() and mine.count() >= MOST_OF_ONE:
        raise CannotSave(telling("you have {n} views already; delete one first.", n=MOST_OF_ONE))
    if shared and SavedView.objects.filter(shared=True).exclude(owner=who, name=name).count() >= MOST_SHARED:
        raise CannotSave(telling("{n} views are shared already.", n=MOST_SHARED))
    _, is_new = SavedView.objects.update_or_create(
        owner=who, name=name, defaults={"query": query, "shared": shared, "created_at": at}
    )
    return is_new


def delete_view(*, who: str, number: int) -> str:
    """Delete one of somebody's own views; its name, empty when there is none of theirs."""
    found = SavedView.objects.filter(owner=who, pk=number).first()
    if found is None:
        return ""
    found.delete()
    return found.name
