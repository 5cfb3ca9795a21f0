"""How things stand."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from allegro_queue.stores.workers import WorkerRecord


class StatusShape(Schema):
    status: Literal["running", "paused", "maintenance", "inactive"] = Field(
        description="`maintenance`: no Horizon process starts a job, since the application is under maintenance."
    )
    notice: str = Field(description="Why nothing can run here; empty when it can.")
    environment: str
    version: str
    at: float
    waiting: int
    running: int
    failed: int = Field(description="Failed jobs that are still listed.")
    masters: int
    workers: int
    busy: int
    suspended: bool
    paused: list[str] = Field(description="Paused queues; `*` stands for all.")
    scheduler: str = Field(description="Host of the scheduler that leads; empty without one.")
    last_snapshot_at: float | None


class SupervisorShape(Schema):
    name: str
    status: str
    maintenance: bool = Field(description="It stands still while the application is under maintenance.")
    queue: list[str]
    balance: bool | str
    wanted: int
    workers: list[str]
    leaving: list[str]
    trouble: str
    min_processes: int
    max_processes: int
    explanation: str
    scaled_at: float


class MasterShape(Schema):
    name: str
    host: str
    pid: int
    status: str
    environment: str
    notice: str
    version: str
    started_at: float
    beat_at: float
    maintenance_silent_since: float | None = Field(
        description='When `HORIZON["maintenance"]` answered last, where that is too long ago; null while all is well.'
    )
    supervisors: list[SupervisorShape]


class Masters(Schema):
    masters: list[MasterShape]


class LostWorkerShape(Schema):
    """A worker that died without taking its leave, and the job that it held."""

    name: str
    host: str
    pid: int
    lost_at: float
    reason: str
    job_id: str
    job_name: str
    outcome: str


class Workers(Schema):
    workers: list[WorkerRecord]
    lost: list[LostWorkerShape] = Field(description="Workers that died in the last 15 minutes, newest first.")


class CheckShape(Schema):
    group: str
    name: str
    result: Literal["well", "look", "risk"]
    found: str
    mend: str
    command: str


class Health(Schema):
    result: Literal["well", "look", "risk"]
    checks: list[CheckShape]
