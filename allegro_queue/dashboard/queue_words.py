"""What the pages of queues say of them in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, ngettext

from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard.formats import about, count, duration, in_words, rate
from allegro_queue.dashboard.minute_values import RATE_MINUTES
from allegro_queue.dashboard.nouns import jobs, jobs_wait
from allegro_queue.dashboard.queue_rows import QueueRow
from allegro_queue.dashboard.states import LONGEST_WAIT
from allegro_queue.dashboard.wording import apart, worded
from allegro_queue.metrics.drain import Drain
from allegro_queue.stores.pulse import Pulse, QueuePulse


def say_of_all(rows: Sequence[QueueRow], pulse: Pulse) -> tuple[str, str]:
    """Tone and sentence: what is not as it should be, by name."""
    for tone in ("bad", "warn"):
        names = [row.pulse.name for row in rows if row.state.tone == tone]
        if names:
            words = in_words(list(dict.fromkeys(row.state.word.lower() for row in rows if row.state.tone == tone)))
            return tone, f"{apart(in_words(names))}: {words}. {waiting_words(pulse.waiting)}"
    return "ok", gettext("All queues keep up.") + " " + waiting_words(pulse.waiting) if rows else gettext(
        "No queue is configured."
    )


def waiting_words(waiting: int) -> str:
    return f"{jobs_wait(waiting)}." if waiting else gettext("Nothing waits.")


def say_of_one(
    queue: QueuePulse, row: QueueRow, pulse: Pulse, drain: Drain, settings: HorizonSettings
) -> tuple[str, str, str]:
    """Tone, sentence, and the second line with what the sentence rests on."""
    waiting = jobs_wait(queue.waiting)
    oldest = (
        worded(gettext("The oldest waits {time}."), time=duration(int(row.oldest_seconds)))
        if row.oldest_seconds
        else ""
    )
    if pulse.is_paused(queue.name):
        if not queue.waiting:
            return "warn", gettext("Paused; nothing waits."), ""
        behind = worded(gettext("{jobs_wait} behind the pause"), jobs_wait=waiting)
        if not drain.seconds:
            return "warn", f"{behind}.", ""
        left = ngettext("resumed now, it needs about {time}", "resumed now, they need about {time}", queue.waiting)
        return "warn", f"{behind}; {worded(left, time=about(drain.seconds))}.", estimate_words(drain)
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
        return tone, worded(gettext("{jobs_wait}, and none was done in the last minutes."), jobs_wait=waiting), oldest
    return (
        tone,
        worded(
            ngettext("{jobs_wait}; it needs about {time}.", "{jobs_wait}; they need about {time}.", queue.waiting),
            jobs_wait=waiting,
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
