"""What the address of the job list asks for, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allegro_queue.errors import did_you_mean
from allegro_queue.stores.jobs import State

STATES = tuple(state.value for state in State)
PAGE_SIZE = 50
LONGEST_WORDS = 200
MOST_PAGES = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class JobQuery:
    """State, queue, page and words of one list."""

    state: State | None = None
    """``None``: nobody chose."""
    queue: str = ""
    """Empty: all queues."""
    page: int = 1
    words: str = ""
    """Part of a function's name, or a job's id."""
    problems: tuple[str, ...] = ()
    """What could not be understood, a sentence each."""

    @property
    def offset(self) -> int:
        return (self.page - 1) * PAGE_SIZE


def read_query(given: Mapping[str, str], queues: Sequence[str]) -> JobQuery:
    """The query, with every problem at once; what has one is left out."""
    problems: list[str] = []
    state: State | None = None
    wanted = given.get("state", "").strip().lower()
    if wanted in STATES:
        state = State(wanted)
    elif wanted:
        problems.append(f"There is no state {wanted[:LONGEST_WORDS]!r}{did_you_mean(wanted[:LONGEST_WORDS], STATES)}")
    queue = given.get("queue", "")
    if queue and queue not in queues:
        problems.append(f"There is no queue {queue[:LONGEST_WORDS]!r}{did_you_mean(queue[:LONGEST_WORDS], queues)}")
        queue = ""
    number = given.get("page", "") or "1"
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    if not 1 <= page <= MOST_PAGES:
        problems.append(f"The page is {number[:20]!r}; it must be a whole number from 1 to {MOST_PAGES:,}.")
        page = 1
    words = given.get("q", "").strip()
    if len(words) > LONGEST_WORDS:
        problems.append(f"The search has {len(words):,} characters; at most {LONGEST_WORDS} are looked for.")
        words = ""
    return JobQuery(state=state, queue=queue, page=page, words=words, problems=tuple(problems))
