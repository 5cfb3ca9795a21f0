"""The loop of the process that keeps the alerts: look, write down, send; until it is told to leave."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone
from redis.exceptions import RedisError

from allegro_queue.alerts import book
from allegro_queue.alerts.channels import NotTaken, send
from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.options import AlertOptions
from allegro_queue.alerts.standing import Advance, Happening, advance
from allegro_queue.alerts.watching import Memory, masters_seen, workers_told
from allegro_queue.alerts.wording import messages_of
from allegro_queue.inbox import SignalInbox
from allegro_queue.signals import alert_fired, alert_repeated, alert_resolved, tell, worker_lost
from allegro_queue.stores.workers import LostWorker

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
LONGEST_PAUSE = 60.0

SIGNALS = {
    Happening.FIRED: alert_fired,
    Happening.AGAIN: alert_repeated,
    Happening.OVER: alert_resolved,
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts come from, and who is shown the result; handed in, since alerts know neither the schedule nor
    history."""

    gather: Callable[[float], Facts]
    """How things stand; never raises for a Redis server that is away."""
    left: Callable[[], frozenset[str]]
    """Names of the masters that have taken their leave within the last hour."""
    show: Callable[[int], None]
    """Says in Redis how many alerts fire and are not muted, so that no page has to count them."""


class AlertLoop:
    """Keeps the alerts while it is its turn; with another process at it, waits."""

    def __init__(
        self,
        options: AlertOptions,
        sources: Sources,
        inbox: SignalInbox,
        *,
        environment: str,
        master: str = "",
        every: float = LOOK_SECONDS,
    ) -> None:
        self._options = options
        self._sources = sources
        self._inbox = inbox
        self._environment = environment
        self._master = master
        self._every = every
        self._parent = os.getppid()
        self._token = secrets.token_hex(8)
        self._failures = 0

    def run(self) -> None:
        """Look until told to leave (or, for a master's child, until its master is gone)."""
        log.info("alerts started pid=%d", os.getpid())
        pause = 0.0
        while not self._told_to_leave(pause):
            pause = self.step(time.time())
        self._end_turn()

    def once(self) -> bool:
        """One look, unless another process keeps the alerts; false when the database did not answer."""
        self.step(time.time())
        self._end_turn()
        return not self._failures

    def _end_turn(self) -> None:
        try:
            book.end_turn(self._token)
        except (DatabaseError, InterfaceError):
            log.info("the database does not answer; the turn ends by itself")

    def step(self, now: float) -> float:
        """One look, and what is to be sent; the seconds to wait until the next."""
        try:
            if book.take_turn(self._token, socket.gethostname(), os.getpid(), now):
                self._look_or_say_why_not(now)
                self.send_due(now)
        except book.Overtaken:
            log.warning("another process keeps the alerts; this one waits")
        except (DatabaseError, InterfaceError) as error:
            self._failures += 1
            connections[book.alias()].close()
            pause = min(self._every * 2.0 ** (self._failures - 1), LONGEST_PAUSE)
            log.error("the database of alerts did not answer (%s); nobody is told. Next look in %.0f s.", error, pause)
            return pause
        self._failures = 0
        return self._every

    def _look_or_say_why_not(self, now: float) -> None:
        """A look; whatever is wrong with one record, what is to be sent is sent, and the next look comes."""
        try:
            self.look(now)
        except (book.Overtaken, DatabaseError, InterfaceError):
            raise
        except Exception:
            log.exception("alerts could not look; the next look comes")

    def look(self, now: float) -> Advance:
        """One look: what is wrong is written down, with the messages about it, in one transaction."""
        memory = book.memory_of(self._token)
        facts = self._sources.gather(now)
        facts, memory, deaths = self._remember(facts, memory)
        muted = frozenset(book.mutes(now))
        found = advance(
            book.standings(),
            facts,
            self._options.rules,
            muted,
            timezone.localtime(datetime.fromtimestamp(now, UTC)).time(),
        )
        messages = messages_of(found.events, self._environment, self._options.address)
        book.write_look(self._token, found, memory, messages, now)
        if facts.pulse is not None:
            self._show(sum(each.fired_at is not None and each.rule not in muted for each in found.standings))
        self._tell(found, deaths)
        return found

    def _show(self, firing: int) -> None:
        """After the write, so that no page shows what is not written. Without Redis pages ask the database."""
        try:
            self._sources.show(firing)
        except RedisError as error:
            log.info("the number of alerts is not shown: %s", error)

    def _remember(self, facts: Facts, memory: Memory) -> tuple[Facts, Memory, Sequence[LostWorker]]:
        """The facts, with what only a comparison with the last look tells."""
        if facts.pulse is None:
            return facts, memory, ()
        try:
            left = self._sources.left()
        except RedisError:
            return facts, memory, ()
        memory = masters_seen(memory, facts.pulse.masters, left, facts.at)
        memory, deaths = workers_told(memory, facts.pulse.lost)
        return replace(facts, lost_masters=memory.lost), memory, deaths

    def _tell(self, found: Advance, deaths: Sequence[LostWorker]) -> None:
        """Log and signal; after the write, so that what is told is written."""
        for event in found.events:
            standing = event.standing
            log.log(
                logging.INFO if event.happening is Happening.OVER else logging.WARNING,
                "alert %s rule=%s subject=%s %s", event.happening.value, standing.rule, standing.subject, standing.text,
            )  # fmt: skip
            tell(
                SIGNALS[event.happening],
                rule=standing.rule,
                subject=standing.subject,
                text=standing.text,
                since=standing.since,
                channels=event.channels,
                held=event.held,
            )
        for each in deaths:
            tell(
                worker_lost,
                worker=each.name,
                host=each.host,
                pid=each.pid,
                reason=each.reason,
                job_id=each.job_id,
                job_name=each.job_name,
                outcome=each.outcome,
                lost_at=each.lost_at,
            )

    def send_due(self, now: float) -> int:
        """Send what waits, each message once; how many were taken."""
        taken = 0
        for message in book.due_messages(now):
            channel = self._options.channels.get(message.channel)
            if channel is None:
                book.note_trouble(message, "there is no such channel any more", time.time(), for_good=True)
                continue
            if not book.claim_message(self._token, message, channel.timeout, time.time()):
                break
            try:
                send(channel, message.subject, message.body, is_over=message.is_over)
            except NotTaken as error:
                gone = book.note_trouble(message, str(error), time.time())
                log.error("alert not sent channel=%s %s%s", channel.name, error, "; given up" if gone else "")
            else:
                book.note_sent(message)
                taken += 1
                log.info("alert sent channel=%s rules=%s", channel.name, message.rules)
            if self._inbox.has_heard:
                break
        return taken

    def _told_to_leave(self, pause: float) -> bool:
        if arrived := self._inbox.wait(pause):
            log.info("alerts leave: %s", arrived[0].name)
            return True
        if self._master and os.getppid() != self._parent:
            log.warning("alerts leave: the master has died")
            return True
        return False
