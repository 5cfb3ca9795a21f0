"""Rules of alerts, how each stands, and the channels."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import Given
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.alerts.page import MOST_MUTE_MINUTES


class AlertShape(Schema):
    subject: str
    text: str
    since: float
    fired_at: float | None


class MuteShape(Schema):
    until: float
    by: str
    reason: str


class RuleShape(Schema):
    rule: str
    title: str
    state: Literal["firing", "waiting", "well", "muted"]
    since: float | None
    told_at: float | None
    limit: str
    channels: list[str]
    quiet: list[str]
    repeat_seconds: float
    alerts: list[AlertShape]
    mute: MuteShape | None


class ChannelShape(Schema):
    name: str
    kind: str


class Alerts(Schema):
    rules: list[RuleShape]
    channels: list[ChannelShape]
    keeper: str = Field(description="Host of the process that keeps the alerts; empty without one.")


class MuteAsked(Given):
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
    minutes: int = Field(ge=1, le=MOST_MUTE_MINUTES)
