"""Pauses of a queue as marks on its charts, from what people noted when they paused and resumed it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, gettext_noop

from allegro_queue.activity.journal import deeds_on
from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.charts import Mark
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.wording import worded

WORDS = {"pause": gettext_noop("paused by {who}"), "resume": gettext_noop("resumed by {who}")}

APART = 0.22
"""Share of the width that a mark's words need; closer ones have none."""


def read_marks(queue: str, start: float, end: float) -> list[Mark]:
    """Who paused and resumed the queue in that time. One query."""
    subjects = (f"queue {queue}", f"queue {ALL_QUEUES}")
    return marks_of(deeds_on(subjects, tuple(WORDS), since=start), start, end)


def marks_of(deeds: Sequence[Activity], start: float, end: float) -> list[Mark]:
    """An upright for each, the first first; words where there is room."""
    marks: list[Mark] = []
    named = -1.0
    for each in deeds:
        at = (each.at.timestamp() - start) / (end - start)
        has_room = named < 0 or at - named >= APART
        marks.append(Mark(at, worded(gettext(WORDS[each.action]), who=each.who[:20]) if has_room else "", "pause"))
        named = at if has_room else named
    return marks
