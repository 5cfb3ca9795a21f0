"""What the activity page shows: who did what, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from allegro_queue.activity import journal
from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.page.deeds import ACTIONS
from allegro_queue.dashboard.page.formats import count, in_words
from allegro_queue.dashboard.page.links import link
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityPage:
    """Who did what?"""

    tone: str
    sentence: str
    sub: str
    rows: tuple[Activity, ...]
    who: str
    action: str
    words: str
    people: tuple[str, ...]
    actions: tuple[str, ...]
    older: str
    """Address of what came before; empty when there is no more."""


def read_activity(given: Mapping[str, str]) -> ActivityPage:
    """The page: two queries."""
    who, action, words = (given.get(key, "").strip()[:200] for key in ("who", "action", "q"))
    before = int(given["before"]) if given.get("before", "").isascii() and given.get("before", "").isdigit() else None
    rows = journal.read(who=who, action=action, words=words, before=before)
    people = journal.people()
    filtered = {"who": who, "action": action, "q": words}
    return ActivityPage(
        tone="ok",
        sentence=sentence(rows, filtered, before),
        sub=gettext("Everything that somebody changed here or by a command, with the reason that was given."),
        rows=tuple(rows),
        who=who,
        action=action,
        words=words,
        people=tuple(people),
        actions=ACTIONS,
        older=link("activity", query={**filtered, "before": rows[-1].pk}) if len(rows) == journal.PAGE else "",
    )


def sentence(rows: Sequence[Activity], filtered: Mapping[str, str], before: int | None) -> str:
    """The newest deeds in words."""
    if not rows:
        return (
            gettext("Nobody did anything of that kind.")
            if any(filtered.values()) or before
            else gettext("Nobody has done anything yet.")
        )
    who = list(dict.fromkeys(row.who for row in rows))
    names = in_words(who[:3])
    if len(who) > 3:
        names = worded(
            ngettext("{names} and {n} other", "{names} and {n} others", len(who) - 3),
            names=names,
            n=count(len(who) - 3),
        )
    return worded(
        ngettext("The last {n} action, by {names}.", "The last {n} actions, by {names}.", len(rows)),
        n=count(len(rows)),
        names=names,
    )
