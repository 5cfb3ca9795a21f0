"""``manage.py reseal_credentials``: seal everything that is stored sealed with the first of ``CREDENTIAL_KEYS``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models

from allegro.sealing import CannotOpen, reseal

SEALED = "sealed_"
"""What the names of columns begin with that hold sealed texts."""


class Command(BaseCommand):
    help = "Seal all stored credentials anew with the first of CREDENTIAL_KEYS, so that the older keys can be dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = 0, []
        for model, column in sealed_columns():
            for row_id, before in model._default_manager.exclude(**{column: ""}).values_list("pk", column):
                try:
                    after = reseal(before)
                except CannotOpen:
                    lost.append(f"{model._meta.verbose_name} {row_id}")
                    continue
                # Somebody may have entered another one meanwhile; that one stays.
                unchanged = model._default_manager.filter(pk=row_id, **{column: before})
                done += unchanged.update(**{column: after})
        self.stdout.write(f"Sealed {done} {'credential' if done == 1 else 'credentials'} anew.")
        if lost:
            raise CommandError(f"No key opens what is stored of: {', '.join(lost)}. Enter it anew in the admin site.")


def sealed_columns() -> Iterator[tuple[type[models.Model], str]]:
    """Every column of the project that holds sealed texts."""
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, models.TextField) and column.name.startswith(SEALED):
                yield model, column.name
