"""How many names and failure groups are kept apart, so that history stays small whatever jobs are called."""

from __future__ import annotations

from collections.abc import Iterable

from allegro_queue.history.database import alias
from allegro_queue.history.groups import MOST_GROUPS, OTHERS
from allegro_queue.history.models import FailureGroup, Series
from allegro_queue.history.rows import Kept
from allegro_queue.metrics.counts import DAY, LENGTHS, Kind

MOST_NAMES = 1_000
"""Names of a kind that are measured by themselves; all others together are ``OTHER_NAMES``."""

OTHER_NAMES = "(others)"

NAMES_LIFE = 3_600.0
"""Seconds after which the names that are measured are looked up again, since old ones go."""


class Caps:
    """Knows the names and groups that are kept; it looks them up once an hour."""

    def __init__(self) -> None:
        self._names: dict[Kind, set[str]] | None = None
        self._names_at = 0.0
        self._groups: set[str] = set()

    def forget(self) -> None:
        """Look them up again before the next batch."""
        self._names = None

    def look_up(self, now: float) -> None:
        """Know what is in the tables, unless it is known."""
        if self._names is not None and now - self._names_at < NAMES_LIFE:
            return
        found: dict[Kind, set[str]] = {each: set() for each in LENGTHS}
        rows = Series.objects.using(alias()).filter(seconds=DAY, starts_at__gte=now - 30 * DAY)
        for kind in found:
            found[kind].update(rows.filter(kind=kind).values_list("name", flat=True).distinct())
        self._names, self._names_at = found, now
        self._groups = set(FailureGroup.objects.using(alias()).values_list("fingerprint", flat=True))

    def name(self, kind: Kind, name: str) -> str:
        """The name itself, or the one that all names beyond the cap share."""
        assert self._names is not None
        names = self._names[kind]
        if name not in names:
            if len(names) >= MOST_NAMES:
                return OTHER_NAMES
            names.add(name)
        return name

    def in_groups(self, runs: Iterable[Kept]) -> list[Kept]:
        """The runs, those beyond the cap of groups in the group that they share."""
        found = []
        for run in runs:
            if run.failure is not None and run.fingerprint not in self._groups:
                if len(self._groups) >= MOST_GROUPS:
                    run = run.in_group(OTHERS)
                self._groups.add(run.fingerprint)
            found.append(run)
        return found
