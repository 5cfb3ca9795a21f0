"""Lists of jobs from a place on, so that a reader who goes through one misses none and sees none twice while others come
and go. What waits is a plain list, which moves on under its reader; there a place is a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from allegro_queue.stores.jobs import REGISTRIES, State, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts

PLACE = re.compile(r"o:(?P<offset>\d{1,9})|s:(?P<score>-?\d{1,15}(?:\.\d{1,9})?):(?P<member>[A-Za-z0-9_:.-]{1,400})")
CHUNK = 1_000
"""Members read at once where many have the same score as the place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: after a number of jobs, or at one member of a registry."""

    offset: int = 0
    score: float | None = None
    member: str = ""

    def __str__(self) -> str:
        return f"o:{self.offset}" if self.score is None else f"s:{self.score!r}:{self.member}"


def read_place(given: str) -> Place:
    """A place as ``str`` wrote it.

    Raises:
        ValueError: it is none.
    """
    found = PLACE.fullmatch(given)
    if found is None:
        raise ValueError(f"{given[:100]!r} is no place in a list of jobs.")
    if found["offset"]:
        return Place(offset=int(found["offset"]))
    return Place(score=float(found["score"]), member=found["member"])


class JobListStore:
    """Reads the registries from a place on."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client

    def registered(
        self, state: State, queues: Sequence[str], after: Place | None, limit: int
    ) -> tuple[dict[str, float], Place | None]:
        """Ids with their scores, newest first (scheduled ones: soonest first), and the place of the next page, if any."""
        descending = state is not State.SCHEDULED
        scored: list[tuple[float, str]] = []
        for queue in queues:
            scored += self._members(REGISTRIES[state].format(queue), after, limit + 1, descending)
        scored.sort(reverse=descending)
        page = scored[:limit]
        next_place = Place(score=page[-1][0], member=page[-1][1]) if len(scored) > limit else None
        # Members of the started registry are "job id:execution id".
        return {member.partition(":")[0]: score for score, member in page}, next_place

    def all_of(self, state: State, queues: Sequence[str]) -> Iterator[list[str]]:
        """Every job of a state, some at a time, each part read when it is asked for. What is there from beginning to end is
        told, once; what comes or goes meanwhile may be."""
        for queue in queues:
            yield from self._waiting(queue) if state is State.WAITING else self._listed(state, queue)

    def _listed(self, state: State, queue: str) -> Iterator[list[str]]:
        place: Place | None = Place()
        while place is not None:
            found, place = self.registered(state, [queue], place, CHUNK)
            yield list(found)

    def _waiting(self, queue: str) -> Iterator[list[str]]:
        # From the end to the front: jobs are taken at the front, which moves the rest towards it, so none is missed.
        key, seen = queue_key(queue), set[str]()
        end = int(self._client.llen(key))
        while end > 0:
            start = max(end - CHUNK, 0)
            found = [each for each in texts(self._client.lrange(key, start, end - 1)) if each not in seen]
            seen.update(found)
            yield found
            end = start

    def _members(self, key: str, after: Place | None, limit: int, descending: bool) -> list[tuple[float, str]]:
        """The first members of one registry beyond the place."""
        start, end = ("+inf", "-inf") if descending else ("-inf", "+inf")
        if after is not None and after.score is not None:
            start = repr(after.score)
        found: list[tuple[float, str]] = []
        offset, size = 0, limit + 1
        while len(found) < limit:
            chunk: Any = self._client.zrange(
                key, start, end, desc=descending, byscore=True, offset=offset, num=size, withscores=True
            )
            members = ((float(score), text(member)) for member, score in chunk)
            found += [each for each in members if is_beyond(each, after, descending)]
            if len(chunk) < size:
                break
            offset, size = offset + size, CHUNK
        return found[:limit]


def is_beyond(member: tuple[float, str], after: Place | None, descending: bool) -> bool:
    """Whether a member comes later than the place."""
    if after is None or after.score is None:
        return True
    place = (after.score, after.member)
    return member < place if descending else member > place
