"""The state of the whole in one word, for the bar. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext

from allegro_queue.status import are_in_maintenance
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse

LONGEST_WAIT = 60
"""Seconds that the oldest job of a queue may wait where ``HORIZON["waits"]`` does not say."""

ENTRY_LATE = 60
"""Seconds after which a due cron entry counts as late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of the whole in one word."""

    tone: str
    """``ok``, ``run``, ``warn``, ``bad`` or ``idle``."""
    icon: str
    word: str

    def in_language(self) -> Status:
        """The same in the reader's language, for one that a module keeps."""
        return replace(self, word=gettext(self.word))


def status_of(pulse: Pulse, connection: str) -> Status:
    """The word for the bar; the worst condition wins."""
    if connection != "redis":
        return Status(tone="bad", icon="bad", word=gettext("Idle: wrong connection"))
    if not pulse.masters and not pulse.workers:
        return Status(tone="bad", icon="bad", word=gettext("Inactive"))
    if pulse.suspended:
        return Status(tone="warn", icon="pause", word=gettext("Suspended"))
    if is_all_paused(pulse):
        return Status(tone="warn", icon="pause", word=gettext("Paused"))
    if are_in_maintenance(pulse.masters):
        return Status(tone="warn", icon="pause", word=gettext("Maintenance mode"))
    if not pulse.workers:
        return Status(tone="bad", icon="bad", word=gettext("No workers"))
    if not pulse.masters:
        return Status(tone="warn", icon="warn", word=gettext("No Horizon process"))
    return Status(tone="ok", icon="ok", word=gettext("Running"))


def status_unreachable() -> Status:
    """Redis does not answer, so nothing is known."""
    return Status(tone="bad", icon="unknown", word=gettext("Redis unreachable"))


def is_all_still(pulse: Pulse) -> bool:
    """Whether no job is started on purpose, be it a pause or the application's maintenance mode."""
    return is_all_paused(pulse) or bool(pulse.masters and all(master.stands_still for master in pulse.masters))


def is_all_paused(pulse: Pulse) -> bool:
    return ALL_QUEUES in pulse.pauses or bool(
        pulse.masters and all(master.status == "paused" for master in pulse.masters)
    )
