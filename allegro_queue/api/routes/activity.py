"""Who did what."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from allegro_queue.activity import journal
from allegro_queue.api.asking import number_in
from allegro_queue.api.shapes.activity import ActivityAsked, Deeds

router = Router(tags=["activity"])


@router.get("activity", response=Deeds, summary="Who did what, newest first")
def activity(request: HttpRequest, given: Query[ActivityAsked]) -> Any:
    rows = journal.read(who=given.who, action=given.action, words=given.q, before=number_in(given.after) or None)
    return {"activity": list(rows), "after": str(rows[-1].pk) if len(rows) == journal.PAGE else None}
