"""How far the collector has come: the one row that each of its transactions changes."""

# ruff: noqa: S608 - every name that is put into a statement is a constant of this file
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from allegro_queue.history.database import alias
from allegro_queue.history.models import Collected
from allegro_queue.stores.collecting import START

PLACE = "allegro_queue_collected"


class Overtaken(Exception):
    """Another collector has written since this one last did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """How far the collector has come; what ``models.Collected`` holds."""

    position: str = START
    read: int = 0
    runs: int = 0
    duplicates: int = 0
    unreadable: int = 0
    last_unreadable: str = ""
    missed: int = 0
    collected_at: float = 0.0


def read_place() -> Place:
    """How far the collector has come."""
    found = Collected.objects.using(alias()).filter(id=1).first()
    return Place(**{each.name: getattr(found, each.name) for each in fields(Place)}) if found else Place()


def claim_place(cursor: Any, place: Place, now: float) -> int:
    """Begin a transaction that starts where the last one ended; the number of runs that are kept.

    Raises:
        Overtaken: another collector has written meanwhile.
    """
    # A write comes first, so that the transaction begins as one and waits for its turn.
    cursor.execute(
        f"INSERT INTO {PLACE} (id, position, read, runs, duplicates, unreadable, last_unreadable, missed, "
        "collected_at) VALUES (1, %s, 0, 0, 0, 0, '', 0, 0) ON CONFLICT (id) DO NOTHING",
        [START],
    )
    cursor.execute(f"UPDATE {PLACE} SET collected_at = %s WHERE id = 1 AND position = %s", [now, place.position])
    if cursor.rowcount != 1:
        raise Overtaken
    cursor.execute(f"SELECT runs FROM {PLACE} WHERE id = 1")
    (runs,) = cursor.fetchone()
    return int(runs)


def move_place(cursor: Any, place: Place) -> None:
    """Write how far this transaction came."""
    cursor.execute(
        f"UPDATE {PLACE} SET position = %s, read = %s, runs = %s, duplicates = %s, unreadable = %s, "
        "last_unreadable = %s, missed = %s WHERE id = 1",
        [
            place.position, place.read, place.runs, place.duplicates, place.unreadable, place.last_unreadable,
            place.missed,
        ],
    )  # fmt: skip
