"""A database that is emptied after a test, and given its content types and permissions back as they were.

Django works them out anew from all models after each flush, which takes longer than most tests do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.management import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import post_migrate

PERMISSIONS = "django.contrib.auth.management.create_permissions"
"""How Django names that receiver."""


Rows = list[tuple[type[Model], list[Model]]]


def rows_of_all_models() -> Rows:
    """What migrations leave in the tables of content types and permissions."""
    return [(model, list(model._default_manager.all())) for model in (ContentType, Permission)]


@contextmanager
def put_back_when_flushed(kept: Rows) -> Iterator[None]:
    """Have each flush end with these rows instead of Django's own work."""

    def put_back(using: str, **_: Any) -> None:
        for model, rows in kept:
            model._default_manager.using(using).bulk_create(rows, ignore_conflicts=True)

    # The signal is sent for each app; once is enough.
    one = apps.get_app_config("auth")
    assert post_migrate.disconnect(dispatch_uid=PERMISSIONS)
    assert post_migrate.disconnect(create_contenttypes)
    post_migrate.connect(put_back, sender=one)
    yield
    post_migrate.disconnect(put_back, sender=one)
    post_migrate.connect(create_contenttypes)
    post_migrate.connect(create_permissions, dispatch_uid=PERMISSIONS)
