"""Whether Horizon runs: one word for commands, dashboard and health. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from allegro_queue.stores.masters import MasterRecord
from allegro_queue.stores.pauses import ALL_QUEUES, Pause


class Status(StrEnum):
    """The three states that ``horizon_status`` knows."""

    RUNNING = "running"
    PAUSED = "paused"
    INACTIVE = "inactive"


EXIT_CODES: Mapping[Status, int] = {Status.RUNNING: 0, Status.PAUSED: 1, Status.INACTIVE: 2}
"""Exit codes of ``horizon_status``, the same as Horizon's."""


def status_of(masters: Sequence[MasterRecord], pauses: Collection[Pause]) -> Status:
    """Inactive without a living master; paused when every master or all queues are; else running."""
    if not masters:
        return Status.INACTIVE
    if any(pause.queue == ALL_QUEUES for pause in pauses) or all(master.status == "paused" for master in masters):
        return Status.PAUSED
    return Status.RUNNING
