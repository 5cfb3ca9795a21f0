"""The book of alerts: all that is read from and written to their tables."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from allegro_queue.alerts.models import (
    NAME_LENGTH,
    TEXT_LENGTH,
    AlertEvent,
    AlertKeeper,
    AlertMessage,
    AlertMute,
    AlertStanding,
)
from allegro_queue.alerts.standing import Advance, Standing
from allegro_queue.alerts.watching import Memory, read_memory
from allegro_queue.alerts.wording import Message
from allegro_queue.conf import horizon_settings
from allegro_queue.errors import HorizonError
from allegro_queue.tellings import read_telling

KEEPER = 1
TURN_SECONDS = 30.0
"""How long the keeper's turn lasts past its last word, besides the time that a message may take."""

EVENTS_KEPT = 2_000
MESSAGES_KEPT = 1_000

MOST_TRIES = 8
"""Tries of one message: over about an hour, each pause twice the one before."""

FIRST_PAUSE = 15.0


class Overtaken(HorizonError):
    """Another process has the turn; nothing was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """That a rule tells nobody for a while."""

    rule: str
    since: float
    until: float
    by: str
    reason: str


def alias() -> str:
    """The database of alerts: the one of history."""
    return horizon_settings().database


# The turn.


def take_turn(token: str, host: str, pid: int, now: float) -> bool:
    """Be the one that looks and sends, or stay it; false while another is."""
    rows = AlertKeeper.objects.using(alias())
    rows.get_or_create(
        id=KEEPER, defaults={"token": "", "until": 0.0, "host": "", "pid": 0, "looked_at": 0.0, "memory": ""}
    )
    free = rows.filter(id=KEEPER).filter(Q(token=token) | Q(until__lt=now))
    return bool(free.update(token=token, until=now + TURN_SECONDS, host=host[:NAME_LENGTH], pid=pid))


def end_turn(token: str) -> None:
    """Let another one begin at once."""
    AlertKeeper.objects.using(alias()).filter(id=KEEPER, token=token).update(token="", until=0.0)


def keeper(now: float) -> AlertKeeper | None:
    """Who looks and sends now; ``None`` when nobody does."""
    return AlertKeeper.objects.using(alias()).filter(id=KEEPER, until__gte=now).exclude(token="").first()


def memory_of(token: str) -> Memory:
    """What the last look has left to remember."""
    row = AlertKeeper.objects.using(alias()).filter(id=KEEPER, token=token).first()
    if row is None:
        raise Overtaken("another process keeps the alerts")
    return read_memory(row.memory)


def write_look(token: str, found: Advance, memory: Memory, messages: Iterable[Message], now: float) -> None:
    """All that one look changes, at once: killed at any point, a process has written all of it or nothing.

    Raises:
        Overtaken: another process has the turn.
    """
    using = alias()
    with transaction.atomic(using=using):
        # Locks the row, so that a process whose turn has ended meanwhile writes nothing.
        mine = AlertKeeper.objects.using(using).filter(id=KEEPER, token=token)
        if not mine.update(looked_at=now, until=now + TURN_SECONDS, memory=memory.as_json()):
            raise Overtaken("another process keeps the alerts")
        write_standings(found.standings, using)
        AlertEvent.objects.using(using).bulk_create(
            AlertEvent(
                at=now,
                rule=each.standing.rule,
                subject=each.standing.subject[:NAME_LENGTH],
                happening=each.happening.value,
                text=each.standing.text[:TEXT_LENGTH],
                said=each.standing.said.as_data(),
                channels=", ".join(each.channels)[:TEXT_LENGTH],
                held=each.held,
            )
            for each in found.events
        )
        queue_messages(messages, now, using)
    trim(using)


def write_standings(standings: Sequence[Standing], using: str) -> None:
    """Make the table say what holds; rows that say it already are left alone."""
    rows = {(row.rule, row.subject): row for row in AlertStanding.objects.using(using).all()}
    wanted = {(each.rule, each.subject[:NAME_LENGTH]): each for each in standings}
    gone = [row.pk for key, row in rows.items() if key not in wanted]
    if gone:
        AlertStanding.objects.using(using).filter(pk__in=gone).delete()
    for key, each in wanted.items():
        values = {
            "text": each.text[:TEXT_LENGTH],
            "said": each.said.as_data(),
            "since": each.since,
            "fired_at": each.fired_at,
            "told_at": each.told_at,
            "clear_since": each.clear_since,
        }
        row = rows.get(key)
        if row is None:
            AlertStanding.objects.using(using).create(rule=key[0], subject=key[1], **values)
        elif any(getattr(row, name) != value for name, value in values.items()):
            AlertStanding.objects.using(using).filter(pk=row.pk).update(**values)


def standings() -> tuple[Standing, ...]:
    """All alerts that hold, or are about to."""
    return tuple(
        Standing(
            rule=row.rule,
            subject=row.subject,
            said=read_telling(row.said, row.text),
            since=row.since,
            fired_at=row.fired_at,
            told_at=row.told_at,
            clear_since=row.clear_since,
        )
        for row in AlertStanding.objects.using(alias()).order_by("since", "id")
    )


def firing_count(now: float) -> int:
    """Alerts that fire and are not muted."""
    muted = AlertMute.objects.using(alias()).filter(until__gt=now).values("rule")
    return AlertStanding.objects.using(alias()).filter(fired_at__isnull=False).exclude(rule__in=muted).count()


def events(limit: int, before: int | None = None) -> list[AlertEvent]:
    """What happened, newest first."""
    rows = AlertEvent.objects.using(alias()).order_by("-id")
    return list((rows if before is None else rows.filter(id__lt=before))[:limit])


# Messages.


def queue_messages(messages: Iterable[Message], now: float, using: str | None = None) -> None:
    """Have them sent by the process that keeps the alerts."""
    AlertMessage.objects.using(using or alias()).bulk_create(
        AlertMessage(
            channel=each.channel,
            subject=each.subject,
            body=each.body,
            rules=",".join(each.rules)[:TEXT_LENGTH],
            is_over=each.is_over,
            created_at=now,
            due_at=now,
            trouble="",
        )
        for each in messages
    )


def due_messages(now: float, most: int = 20) -> list[AlertMessage]:
    """Messages to be sent now, the oldest first."""
    rows = AlertMessage.objects.using(alias()).filter(sent_at__isnull=True, given_up=False, due_at__lte=now)
    return list(rows.order_by("due_at", "id")[:most])


def claim_message(token: str, message: AlertMessage, timeout: float, now: float) -> bool:
    """Note that a try begins: should it never be heard of again, the next one comes when its time is long over.

    False when this process has not the turn any more, or somebody else has tried the message.

    Args:
        timeout: seconds that the channel may take.
    """
    using = alias()
    until = now + TURN_SECONDS + timeout
    with transaction.atomic(using=using):
        if not AlertKeeper.objects.using(using).filter(id=KEEPER, token=token).update(until=until):
            return False
        row = AlertMessage.objects.using(using).filter(pk=message.pk, tries=message.tries, sent_at__isnull=True)
        return bool(row.update(tries=message.tries + 1, due_at=until))


def note_sent(message: AlertMessage) -> None:
    """It was taken by its channel."""
    AlertMessage.objects.using(alias()).filter(pk=message.pk).update(sent_at=time.time(), trouble="")


def note_trouble(message: AlertMessage, trouble: str, now: float, *, for_good: bool = False) -> bool:
    """It was not taken. Whether it was given up."""
    given_up = for_good or message.tries + 1 >= MOST_TRIES
    AlertMessage.objects.using(alias()).filter(pk=message.pk).update(
        trouble=trouble[:NAME_LENGTH], given_up=given_up, due_at=now + FIRST_PAUSE * 2.0**message.tries
    )
    return given_up


def last_messages() -> dict[str, AlertMessage]:
    """The newest message of each channel."""
    newest: dict[str, AlertMessage] = {}
    for row in AlertMessage.objects.using(alias()).order_by("-id")[:MESSAGES_KEPT]:
        newest.setdefault(row.channel, row)
    return newest


def trim(using: str) -> None:
    """Forget the oldest of what is over."""
    for table, kept in ((AlertEvent, EVENTS_KEPT), (AlertMessage, MESSAGES_KEPT)):
        rows = table._default_manager.using(using)
        first = rows.order_by("-id").values_list("id", flat=True)[kept : kept + 1].first()
        if first is not None:
            rows.filter(id__lte=first).delete()


# Mutes.


def mute(given: Mute) -> None:
    """Have a rule tell nobody; replaces a mute that holds."""
    AlertMute.objects.using(alias()).update_or_create(
        rule=given.rule,
        defaults={
            "since": given.since,
            "until": given.until,
            "by": given.by[:NAME_LENGTH],
            "reason": given.reason[:NAME_LENGTH],
        },
    )


def unmute(rule: str, now: float) -> bool:
    """Have a rule tell again; false when it was not muted."""
    deleted, _ = AlertMute.objects.using(alias()).filter(rule=rule, until__gt=now).delete()
    return bool(deleted)


def mutes(now: float) -> dict[str, Mute]:
    """The mutes that hold, by rule."""
    return {
        row.rule: Mute(rule=row.rule, since=row.since, until=row.until, by=row.by, reason=row.reason)
        for row in AlertMute.objects.using(alias()).filter(until__gt=now)
    }
