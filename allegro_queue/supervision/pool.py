"""A set of like processes, kept at a wanted size. Knows neither what they do nor how they are made."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from allegro_queue.begun import Begun
from allegro_queue.endings import LEFT
from allegro_queue.tellings import Telling, telling

log = logging.getLogger(__name__)

QUICK_DEATH_SECONDS = 5.0
"""A child that ends badly sooner than this, and before it has begun anything, counts as one that could not work."""

LONGEST_COOL_DOWN = 60.0

HURRY_SECONDS = 5.0
"""What is left of the grace for a child that was told not to finish what it does."""


class Child(Protocol):
    """What the pool asks of a child."""

    name: str
    pid: int
    started_at: float
    begun: Begun | None
    """Where it tells what it has begun, if it does."""

    def ended(self) -> Telling | None: ...

    def send(self, number: signal.Signals) -> None: ...


@dataclass(frozen=True, slots=True)
class Departure:
    """A child that ended."""

    child: Child
    ending: Telling
    """``LEFT`` when it left of its own will."""
    expected: bool
    """Whether it had been told to leave."""


def has_begun(child: Child) -> bool:
    """Whether it is known to have begun something: then it could work, and what it did is to blame for its end."""
    return child.begun is not None and child.begun.execution_id != ""


def cool_down(quick_deaths: int) -> float:
    """Seconds to wait before the next start, after so many quick deaths in a row: 0, then 1, 2, 4 … 60."""
    return 0.0 if quick_deaths == 0 else min(2.0 ** (quick_deaths - 1), LONGEST_COOL_DOWN)


class ProcessPool:
    """Keeps the wanted number of children alive; those told to leave get their grace, then are killed."""

    def __init__(self, spawn: Callable[[float], Child], *, grace: float) -> None:
        self._spawn = spawn
        self._grace = grace
        self._wanted = 0
        self._quick_deaths = 0
        self._last_quick_death = -math.inf
        self._failed_starts = 0
        self._not_before = 0.0
        self.children: list[Child] = []
        self.leaving: dict[str, tuple[Child, float]] = {}
        """Children told to leave, by name, with the time at which they are killed (infinite: never)."""
        self.trouble: Telling | None = None
        """Why children do not stay alive; ``None`` when all is well."""

    @property
    def wanted(self) -> int:
        return self._wanted

    @property
    def shrinking(self) -> int:
        """Children that are gone as far as the size is concerned, and still finish what they do."""
        return sum(1 for _, due in self.leaving.values() if due == math.inf)

    @property
    def is_empty(self) -> bool:
        return not self.children and not self.leaving

    def scale(self, wanted: int, now: float) -> None:
        """Set how many there should be. Surplus children are told to leave, the youngest first, within the grace."""
        self._wanted = wanted
        while len(self.children) > wanted:
            self._dismiss(self.children.pop(), now)
        for name, (child, due) in self.leaving.items():
            self.leaving[name] = (child, min(due, now + self._grace))

    def resize(self, wanted: int, now: float, busy: Collection[str] = ()) -> None:
        """Set how many there should be, for no other reason than how much there is to do.

        Surplus children are told to leave, those that are not busy and the youngest first. They may finish what they
        do, however long that takes: nobody waits for them.
        """
        self._wanted = wanted
        surplus = max(0, len(self.children) - wanted)
        youngest_first = self.children[::-1]
        for child in sorted(youngest_first, key=lambda each: each.name in busy)[:surplus]:
            self.children.remove(child)
            child.send(signal.SIGTERM)
            self.leaving[child.name] = (child, math.inf)

    def restart(self, now: float) -> None:
        """Have every child leave; fresh ones take their places at the next pass."""
        while self.children:
            self._dismiss(self.children.pop(), now)

    def dismiss(self, name: str, now: float) -> bool:
        """Have one child leave, within the grace; a fresh one takes its place at the next pass. Whether it is one of these."""
        for child in self.children:
            if child.name == name:
                self.children.remove(child)
                self._dismiss(child, now)
                return True
        return name in self.leaving

    def kill(self, name: str, now: float) -> bool:
        """End one child at once, also one that leaves; likewise."""
        self.dismiss(name, now)
        if name not in self.leaving:
            return False
        child, _ = self.leaving[name]
        child.send(signal.SIGKILL)
        self.leaving[name] = (child, now)
        return True

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every child that is to stay."""
        for child in self.children:
            child.send(number)

    def hurry(self, now: float) -> None:
        """Tell those that leave not to finish what they do, and give them a moment for it.

        By a signal of its own: a second TERM may be the same wish to leave, sent to the whole tree of processes.
        """
        for name, (child, due) in self.leaving.items():
            child.send(signal.SIGQUIT)
            self.leaving[name] = (child, min(due, now + HURRY_SECONDS))

    def tick(self, now: float) -> list[Departure]:
        """One pass: note who ended, kill the overdue, fill the gaps. Never sleeps."""
        departures = self.reap(now)
        self.fill(now)
        return departures

    def reap(self, now: float) -> list[Departure]:
        """Note who ended, and kill the overdue."""
        return [*self._reap_children(now), *self._reap_leaving(now)]

    def fill(self, now: float, room: float = math.inf) -> None:
        """Start what is missing, ``room`` children at most."""
        while len(self.children) < self._wanted and room > 0 and now >= self._not_before:
            try:
                child = self._spawn(now)
            except OSError as error:
                self._note_failed_start(error, now)
                return
            if self._failed_starts:
                self._failed_starts, self.trouble = 0, None
            self.children.append(child)
            room -= 1
            if self._quick_deaths:
                # One at a time while it is not known to stay alive.
                self._not_before = now + cool_down(self._quick_deaths)

    def _reap_children(self, now: float) -> list[Departure]:
        departures = []
        for child in list(self.children):
            ending = child.ended()
            if ending is None:
                # One that was there before says nothing of those that were started since.
                if (
                    self._quick_deaths
                    and child.started_at >= self._last_quick_death
                    and (now - child.started_at > QUICK_DEATH_SECONDS or has_begun(child))
                ):
                    self._quick_deaths, self.trouble = 0, None
                continue
            self.children.remove(child)
            departures.append(Departure(child, ending, expected=False))
            if ending != LEFT and now - child.started_at < QUICK_DEATH_SECONDS and not has_begun(child):
                self._quick_deaths += 1
                self._last_quick_death = now
                pause = cool_down(self._quick_deaths)
                self._not_before = now + pause
                # A single one may be anybody's kill, and its own line on the page tells of it.
                if self._quick_deaths > 1:
                    self.trouble = telling(
                        "{number} in a row ended within {seconds} s of their start (the last {ending}); "
                        "the next start is {pause} s later",
                        number=self._quick_deaths,
                        seconds=round(QUICK_DEATH_SECONDS),
                        ending=ending,
                        pause=round(pause),
                    )
                    log.warning("children do not stay alive: %s", self.trouble)
        return departures

    def _note_failed_start(self, error: OSError, now: float) -> None:
        """The system gives no process now (too many, too little memory); what runs goes on, and this tries again."""
        self._failed_starts += 1
        pause = cool_down(self._failed_starts)
        self._not_before = now + pause
        self.trouble = telling(
            "a process could not be started ({error}); the next try is {pause} s later",
            error=str(error),
            pause=round(pause),
        )
        log.error("%s", self.trouble)

    def _reap_leaving(self, now: float) -> list[Departure]:
        departures = []
        for name, (child, due) in list(self.leaving.items()):
            ending = child.ended()
            if ending is not None:
                del self.leaving[name]
                departures.append(Departure(child, ending, expected=True))
            elif now >= due:
                child.send(signal.SIGKILL)
        return departures

    def _dismiss(self, child: Child, now: float) -> None:
        child.send(signal.SIGTERM)
        self.leaving[child.name] = (child, now + self._grace)
