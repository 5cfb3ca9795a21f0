"""Who did what."""

from __future__ import annotations

from typing import Literal

from ninja import Schema

from allegro_queue.activity.models import Activity
from allegro_queue.api.shapes.given import Given, words


class ActivityAsked(Given):
    after: str = words("The `after` of the page before.", 19)
    who: str = words("", 254)
    action: str = words("", 40)
    q: str = words("Words in subject, reason or outcome.")


class DeedShape(Schema):
    id: int
    at: float
    who: str
    via: Literal["page", "token", "command"]
    action: str
    subject: str
    reason: str
    outcome: str
    succeeded: bool

    @staticmethod
    def resolve_at(deed: Activity) -> float:
        return deed.at.timestamp()


class Deeds(Schema):
    activity: list[DeedShape]
    after: str | None
