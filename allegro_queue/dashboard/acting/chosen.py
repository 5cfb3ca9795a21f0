"""Which jobs a form or an address names, and whether an act can be meant for them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext_noop

from allegro_queue.bulk.selection import STATUSES, Selection
from allegro_queue.history.filters import Filter
from allegro_queue.rights import Right
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.jobs import State
from allegro_queue.tellings import Telling, telling, verbatim

MOST_TICKED = 500
LONGEST_REASON = 200
LONGEST_WORDS = 200
MOST_PER_MINUTE = 60_000

STATES: Mapping[BulkAct, tuple[State, ...]] = {
    BulkAct.RETRY: (State.FAILED,),
    BulkAct.DELETE: (State.FAILED, State.WAITING, State.SCHEDULED, State.DEFERRED, State.FINISHED),
    BulkAct.CANCEL: (State.WAITING, State.SCHEDULED, State.DEFERRED),
    BulkAct.MOVE: (State.WAITING,),
    BulkAct.RESTORE: (),
}
"""What each act can be done to; the first is meant when nobody says."""

RIGHTS: Mapping[BulkAct, Right] = {
    BulkAct.RETRY: Right.RETRY,
    BulkAct.DELETE: Right.DELETE,
    BulkAct.CANCEL: Right.DELETE,
    BulkAct.MOVE: Right.ENQUEUE,
    BulkAct.RESTORE: Right.DELETE,
}

DESTROYS = frozenset({BulkAct.DELETE, BulkAct.CANCEL})
"""Acts that ask for a reason when they are about many."""

NOT_OF_STATE: Mapping[BulkAct, str] = {
    BulkAct.RETRY: gettext_noop("One can retry {states} jobs, not {state} ones, so nothing was done."),
    BulkAct.DELETE: gettext_noop("One can delete {states} jobs, not {state} ones, so nothing was done."),
    BulkAct.CANCEL: gettext_noop("One can cancel {states} jobs, not {state} ones, so nothing was done."),
    BulkAct.MOVE: gettext_noop("One can move {states} jobs, not {state} ones, so nothing was done."),
}
"""What is said to whoever would do it to jobs of another state."""

BY_RUNS = ("tag", "text", "exception", "fingerprint", "tenant", "batch")
"""Parts of an address that history answers."""

PARTS = ("state", "queue", "q", "name", *BY_RUNS)


def statuses_for(act: BulkAct) -> frozenset[str]:
    """RQ's words for what it can be done to."""
    return frozenset().union(*(STATUSES[state] for state in STATES[act]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Which jobs are meant: those ticked, or all that fit."""

    ids: tuple[str, ...] = ()
    all: bool = False
    state: str = ""
    """Empty: the act's usual one."""
    queue: str = ""
    q: str = ""
    """Part of the function's name."""
    name: str = ""
    tag: str = ""
    text: str = ""
    exception: str = ""
    fingerprint: str = ""
    tenant: str = ""
    batch: str = ""

    def problem(self, act: BulkAct, queues: Sequence[str]) -> Telling | None:
        """What is wrong with the choice; ``None`` when nothing is."""
        if not self.all:
            if not self.ids:
                return telling("No job was ticked, so nothing was done. Tick some rows first.")
            if len(self.ids) > MOST_TICKED:
                return telling(
                    "{n} jobs were named; at most {most} can be named at once.",
                    n=len(self.ids),
                    most=MOST_TICKED,
                )
            return None
        if self.queue and self.queue not in queues:
            return telling("There is no queue {queue}, so nothing was done.", queue=repr(self.queue[:200]))
        words = [state.value for state in STATES[act]]
        if self.state and self.state not in words:
            return telling(
                NOT_OF_STATE[act],
                states=named_together(words),
                state=repr(self.state[:20]),
            )
        if any(len(getattr(self, part)) > LONGEST_WORDS for part in PARTS):
            return telling(
                "A part of the filter has more than {most} characters, so nothing was done.",
                most=LONGEST_WORDS,
            )
        if self.by_runs and self.state_for(act) not in (State.FAILED, State.FINISHED):
            return telling("Tags, errors and groups are known of jobs that have run, so nothing was done.")
        return None

    @property
    def by_runs(self) -> dict[str, str]:
        """The parts that history answers."""
        return {part: value for part in BY_RUNS if (value := getattr(self, part))}

    def state_for(self, act: BulkAct) -> State:
        """The state that is asked for; the act's usual one when it is none of those that the act can be done to."""
        return next((each for each in STATES[act] if each.value == self.state), next(iter(STATES[act]), State.FAILED))

    def selection(self, act: BulkAct) -> Selection:
        """As the engine takes it; only where there is no problem."""
        state = self.state_for(act)
        if not self.all:
            return Selection(ids=self.ids, state=state)
        runs = Filter(**self.by_runs) if self.by_runs else None  # type: ignore[arg-type]
        return Selection(state=state, queue=self.queue, words=self.q, name=self.name, runs=runs)

    def fields(self) -> list[tuple[str, str]]:
        """As hidden fields of a form."""
        if not self.all:
            return [("id", job_id) for job_id in self.ids]
        return [("all", "1"), *((part, value) for part in PARTS if (value := getattr(self, part)))]


def named_together(words: Sequence[str]) -> Telling:
    """``a``, ``a and b``, ``a, b and c``: words that are typed as they are, in every language."""
    if len(words) < 2:
        return verbatim("".join(words))
    return telling("{names} and {last}", names=", ".join(words[:-1]), last=words[-1])


def chosen_in(given: QueryDict) -> Chosen:
    """The jobs that a form or an address names."""
    return Chosen(
        ids=tuple(dict.fromkeys(given.getlist("id"))),
        all=given.get("all") == "1",
        **{part: given.get(part, "").strip() for part in PARTS},
    )


def failed_until(given: QueryDict) -> float | None:
    """The cut-off of the confirm page; none when it is missing or no time."""
    try:
        moment = float(given.get("failed_until", ""))
    except ValueError:
        return None
    return moment if math.isfinite(moment) and 0 < moment < 2**33 else None


def token_in(given: Mapping[str, Any]) -> UUID | None:
    """Which page the button stands on; none when nobody says."""
    try:
        return UUID(hex=str(given.get("token", "")))
    except ValueError:
        return None


def whole_number_in(text: str, most: int) -> int | None:
    """A number from 1 as a form gives it; 0 where it gives none, and ``None`` for what is no whole number, or too large."""
    given = text.strip()
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    return number if not given or 1 <= number <= most else None
