"""Names that something ran under lately, to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Value

from allegro_queue.history.database import alias
from allegro_queue.history.models import FailureGroup, Series
from allegro_queue.metrics.counts import DAY


def names_known(kind: str, *, now: float, most: int = 1_000) -> list[str]:
    """Names of a kind (``queue``, ``job``, ``tag``) that ran in the last 30 days, sorted: to choose from."""
    rows = Series.objects.using(alias()).filter(kind=kind, seconds=DAY, starts_at__gte=now - 31 * DAY)
    return sorted(rows.values_list("name", flat=True).distinct()[:most])


def names_of_kinds(kinds: Sequence[str], *, now: float, most: int = 1_000) -> dict[str, list[str]]:
    """The same for several kinds, in one query; with ``error``, the types of failures that are kept."""
    rows = Series.objects.using(alias()).filter(kind__in=list(kinds), seconds=DAY, starts_at__gte=now - 31 * DAY)
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    names = rows.values_list("kind", "name").distinct()
    if "error" in found:
        groups = FailureGroup.objects.using(alias()).exclude(exception="")
        names = names.union(groups.annotate(kind=Value("error")).values_list("kind", "exception"))
    for kind, name in names.order_by("kind", "name")[: most * len(kinds)]:
        found[kind].append(name)
    return found
