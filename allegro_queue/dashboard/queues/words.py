"""What the pages of queues say of them in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, ngettext

from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard.metrics.minute_values import RATE_MINUTES
from allegro_queue.dashboard.page.formats import about, count, duration, in_words, rate
from allegro_queue.dashboard.page.nouns import jobs
from allegro_queue.dashboard.page.states import LONGEST_WAIT
from allegro_queue.dashboard.queues.rows import QueueRow
from allegro_queue.metrics.drain import Drain
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.wording import worded


def say_of_all(rows: Sequence[QueueRow], pulse: Pulse) -> tuple[str, str]:
    """Tone and sentences: what is not as it should be, by name."""
    if not rows:
        return "ok", gettext("No queue is configured.")
    for tone in ("bad", "warn"):
        found = [row for row in rows if row.state.tone == tone]
        if found:
            states = in_words(list(dict.fromkeys(row.state.word.lower() for row in found)))
            names = in_words([row.pulse.name for row in found])
            said = worded(gettext("{queues}: {states}."), queues=names, states=states)
            return tone, f"{said} {waiting_words(pulse.waiting)}"
    keeping_up = gettext("All queues keep up.")
    return "ok", f"{keeping_up} {waiting_words(pulse.waiting)}"


def waiting_words(waiting: int) -> str:
    if not waiting:
        return gettext("Nothing waits.")
    return worded(ngettext("{n} job waits.", "{n} jobs wait.", waiting), n=count(waiting))


def say_of_one(
    queue: QueuePulse, row: QueueRow, pulse: Pulse, drain: Drain, settings: HorizonSettings
) -> tuple[str, str, str]:
    """Tone, sentence, and the second line with what the sentence rests on."""
    waiting = count(queue.waiting)
    oldest = (
        worded(gettext("The oldest waits {time}."), time=duration(int(row.oldest_seconds)))
        if row.oldest_seconds
        else ""
    )
    if pulse.is_paused(queue.name):
        if not queue.waiting:
            return "warn", gettext("Paused; nothing waits."), ""
        if not drain.seconds:
            text = ngettext("{n} job waits behind the pause.", "{n} jobs wait behind the pause.", queue.waiting)
            return "warn", worded(text, n=waiting), ""
        text = ngettext(
            "{n} job waits behind the pause; resumed now, it needs about {time}.",
            "{n} jobs wait behind the pause; resumed now, they need about {time}.",
            queue.waiting,
        )
        return "warn", worded(text, n=waiting, time=about(drain.seconds)), estimate_words(drain)
    if queue.name in pulse.in_maintenance:
        return "warn", gettext("Stands still in maintenance mode.") + " " + waiting_words(queue.waiting), oldest
    if row.state.tone == "bad":
        return "bad", gettext("No worker listens.") + " " + waiting_words(queue.waiting), oldest
    if not queue.waiting:
        if not queue.running:
            return "ok", gettext("Keeping up. Nothing waits."), ""
        text = ngettext(
            "Keeping up. Nothing waits. {n} job runs.", "Keeping up. Nothing waits. {n} jobs run.", queue.running
        )
        return "ok", worded(text, n=count(queue.running)), ""
    limit = settings.waits.get(queue.name, LONGEST_WAIT)
    tone = "warn" if (row.oldest_seconds or 0.0) > limit else "ok"
    if drain.seconds is None:
        text = ngettext(
            "{n} job waits, and none was done in the last minutes.",
            "{n} jobs wait, and none was done in the last minutes.",
            queue.waiting,
        )
        return tone, worded(text, n=waiting), oldest
    return (
        tone,
        worded(
            ngettext("{n} job waits; it needs about {time}.", "{n} jobs wait; they need about {time}.", queue.waiting),
            n=waiting,
            time=about(drain.seconds),
        ),
        f"{oldest} {estimate_words(drain)}".strip(),
    )


def estimate_words(drain: Drain) -> str:
    """What an estimate assumes."""
    text = gettext("An estimate: {n} a minute, the rate of the last {minutes} minutes.")
    if drain.ahead:
        text = gettext(
            "An estimate: {n} a minute, the rate of the last {minutes} minutes, with {jobs} of higher queues before them."
        )
    return worded(text, n=rate(drain.per_minute), minutes=RATE_MINUTES, jobs=jobs(drain.ahead))
