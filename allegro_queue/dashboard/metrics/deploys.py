"""Deploys as marks on a chart. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext

from allegro_queue.dashboard.charts import Mark
from allegro_queue.dashboard.metrics.series import Axis
from allegro_queue.history.deploys import Deploy
from allegro_queue.wording import worded

__all__ = ["Deploy", "marks_of"]

LONGEST = 10
"""Characters of a version that stand above the plot."""

APART = 0.1
"""Share of the width that a mark's words need; closer ones have none."""


def marks_of(deploys: Sequence[Deploy], axis: Axis) -> list[Mark]:
    """An upright for each deploy that the axis reaches; words where there is room."""
    marks: list[Mark] = []
    named = -1.0
    for each in deploys:
        if not axis.start <= each.at < axis.end:
            continue
        at = axis.share(each.at)
        has_room = at - named >= APART or named < 0
        marks.append(Mark(at, worded(gettext("deploy {version}"), version=each.version[:LONGEST]) if has_room else ""))
        named = at if has_room else named
    return marks
