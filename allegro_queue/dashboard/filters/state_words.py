"""The states that the filter knows, as sentences name jobs and runs in them. Pure."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.page.formats import count
from allegro_queue.wording import worded

WORDS = {
    "waiting": gettext_noop("waiting"),
    "running": gettext_noop("running"),
    "scheduled": gettext_noop("scheduled"),
    "deferred": gettext_noop("deferred"),
    "finished": gettext_noop("finished"),
    "failed": gettext_noop("failed"),
    "retried": gettext_noop("retried"),
    "lost": gettext_noop("lost"),
    "stopped": gettext_noop("stopped"),
    "canceled": gettext_noop("cancelled"),
    "all": gettext_noop("all"),
}
"""States as they stand before a noun and over a list; in the filter they are as they are there."""


def state_words(state: str) -> str:
    """``failed``, ``failed or lost``: one state, or several with commas between."""
    words = [gettext(WORDS.get(each, each)) for each in state.split(",")]
    if len(words) < 2:
        return words[0]
    return worded(gettext("{states} or {last}"), states=", ".join(words[:-1]), last=words[-1])


def units(state: str, unit: str, number: int) -> str:
    """``failed jobs``: jobs or runs in a state, in the form for that many, which is not said."""
    if state == ALL:
        return ngettext("job", "jobs", number) if unit == "job" else ngettext("run", "runs", number)
    text = (
        ngettext("{states} job", "{states} jobs", number)
        if unit == "job"
        else ngettext("{states} run", "{states} runs", number)
    )
    return worded(text, states=state_words(state))


def counted_units(state: str, unit: str, number: int, shown: str = "") -> str:
    """``12 failed jobs``.

    Args:
        shown: how the number is written.
    """
    n = shown or count(number)
    if state == ALL:
        text = ngettext("{n} job", "{n} jobs", number) if unit == "job" else ngettext("{n} run", "{n} runs", number)
        return worded(text, n=n)
    text = (
        ngettext("{n} {states} job", "{n} {states} jobs", number)
        if unit == "job"
        else ngettext("{n} {states} run", "{n} {states} runs", number)
    )
    return worded(text, n=n, states=state_words(state))
