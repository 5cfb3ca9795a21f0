"""Deleting what is past its days, so many rows at a time that no job takes long and no statement holds much."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

AT_ONCE = 500
"""Rows that one statement deletes, with all that hangs on them."""


def forget(rows: QuerySet[Any], *, most: int) -> int:
    """Delete these rows, ``most`` of them at most; how many. The next time takes the rest."""
    ids = list(rows.values_list("pk", flat=True)[:most])
    for start in range(0, len(ids), AT_ONCE):
        rows.model._default_manager.filter(pk__in=ids[start : start + AT_ONCE]).delete()
    return len(ids)
