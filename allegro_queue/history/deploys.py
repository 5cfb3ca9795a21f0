"""When which version of the code was first seen to run: read off the counts by version."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Min

from allegro_queue.history.database import alias
from allegro_queue.history.models import Series

MOST = 12
"""Deploys told at most, the newest ones."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """A version, and the start of the stretch in which its first run ended."""

    version: str
    at: float


def deploys_since(since: float, seconds: int) -> list[Deploy]:
    """Versions that were first seen since then, the first first; the one that ran before is none.

    Args:
        seconds: length of the stretches to look at; they must go back further than ``since``, or the oldest version
            that they know looks like a deploy, and is left out.
    """
    rows = Series.objects.using(alias()).filter(kind="version", seconds=seconds).values("name")
    found = rows.annotate(at=Min("starts_at")).order_by("at", "name")
    deploys = [Deploy(each["name"], float(each["at"])) for each in found]
    return [each for each in deploys[1:] if each.at >= since][-MOST:]
