"""Queues."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from allegro_queue.stores.pauses import Pause


class QueueShape(Schema):
    name: str
    rank: int = Field(description="1 is served first.")
    waiting: int
    oldest_at: float | None
    oldest_seconds: float | None
    running: int
    failed: int
    workers: int = Field(description="Living workers that listen to it.")
    wait_seconds: float | None = Field(description="What 95 of 100 jobs waited at most in the last 15 minutes.")
    is_paused: bool
    pause: Pause | None


class Queues(Schema):
    queues: list[QueueShape]
