"""The collector: from the stream of run records to SQL, in batches, each with its place in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from allegro_queue.conf import HorizonSettings
from allegro_queue.history.rows import Kept, Silence, first_id_at, kept
from allegro_queue.history.trimming import trim_runs
from allegro_queue.history.writing import Batch, Writer
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import Entry, Stream, time_of
from allegro_queue.stores.run_record import decode_run

log = logging.getLogger(__name__)

BATCH = 1_000
"""Records that one transaction writes at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What one look at the stream gave."""

    read: int
    """Entries read."""
    behind: int
    """Entries that still wait."""
    behind_seconds: float
    """Age of the oldest of them."""
    added: int = 0
    """Entries that the stream has ever had."""


class Collector:
    """Collects. Whether it may is for its caller to know (``stores.collecting.CollectingStore.hold``)."""

    def __init__(self, stores: Stores, settings: HorizonSettings) -> None:
        self._stores = stores
        self._settings = settings
        self._silence = Silence(frozenset(settings.silenced), frozenset(settings.silenced_tags))
        self.writer = Writer(history=settings.history, tag_prefixes=settings.tag_prefixes)

    def look(self, now: float) -> Looked:
        """Read one batch and write it.

        Raises:
            RedisError, DatabaseError: nothing was written; look again later.
            Overtaken: another collector writes; call ``writer.forget()`` before the next look.
        """
        place = self.writer.place
        stream, entries = self._stores.collecting.read(place.position, BATCH)
        gap = gap_between(place.position, place.read, stream)
        if not entries and gap is None:
            return Looked(read=0, behind=0, behind_seconds=0.0, added=stream.added)
        runs, unreadable = self._read(entries)
        # What was dropped unread counts as read. (After the stream was begun anew it is read from its start.)
        before = stream.dropped if gap is not None or place.read > stream.added else place.read
        self.writer.write(
            Batch(
                runs=runs,
                position=entries[-1].id if entries else stream.last,
                read=before + len(entries),
                unreadable=unreadable,
                gap=gap,
            )
        )
        behind = max(stream.added - before - len(entries), 0)
        return Looked(
            read=len(entries),
            behind=behind,
            behind_seconds=max(now - time_of(entries[-1].id), 0.0) if behind and entries else 0.0,
            added=stream.added,
        )

    def _read(self, entries: Sequence[Entry]) -> tuple[list[Kept], list[str]]:
        """The entries as they are written, and what is wrong with those that cannot be."""
        runs: list[Kept] = []
        unreadable: list[str] = []
        for entry in entries:
            try:
                runs.append(kept(entry.id, decode_run(entry.text), self._silence))
            except (ValueError, TypeError, OverflowError) as error:
                unreadable.append(masked(f"{entry.id}: {error}"))
        if unreadable:
            log.warning("%d run records could not be read; the last: %s", len(unreadable), unreadable[-1])
        return runs, unreadable

    def trim(self, now: float) -> int:
        """Delete some of the runs that are too old or too many; how many."""
        before = first_id_at(now - self._settings.history_days * 86_400)
        return trim_runs(keep=self._settings.history_runs, before=before)


def gap_between(position: str, read: int, stream: Stream) -> tuple[float, float, int] | None:
    """From when to when runs were dropped before they were read, and how many; ``None`` when none were.

    Args:
        position: id of the last entry read.
        read: entries of the stream up to there.
    """
    missed = stream.dropped - read
    if missed <= 0 or stream.last == position:
        return None
    return time_of(position), time_of(stream.first or stream.last), missed
