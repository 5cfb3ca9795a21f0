"""Whether Horizon runs: one word for commands, dashboard and health. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from allegro_queue.stores.masters import MasterRecord
from allegro_queue.stores.pauses import ALL_QUEUES, Pause


class Status(StrEnum):
    """The states that ``horizon_status`` knows."""

    RUNNING = "running"
    PAUSED = "paused"
    MAINTENANCE = "maintenance"
    INACTIVE = "inactive"

    @property
    def words(self) -> str:
        """What Horizon is then, for a sentence in English."""
        return "in maintenance mode" if self is Status.MAINTENANCE else self.value


EXIT_CODES: Mapping[Status, int] = {
    Status.RUNNING: 0,
    Status.PAUSED: 1,
    # To whoever asks in a script it is the same: jobs stand still on purpose.
    Status.MAINTENANCE: 1,
    Status.INACTIVE: 2,
}
"""Exit codes of ``horizon_status``, the same as Horizon's."""


def status_of(masters: Sequence[MasterRecord], pauses: Collection[Pause]) -> Status:
    """Inactive without a living master; paused when every master or all queues are; in maintenance when no master starts
    a job otherwise; else running."""
    if not masters:
        return Status.INACTIVE
    if any(pause.queue == ALL_QUEUES for pause in pauses) or all(master.status == "paused" for master in masters):
        return Status.PAUSED
    return Status.MAINTENANCE if are_in_maintenance(masters) else Status.RUNNING


def are_in_maintenance(masters: Sequence[MasterRecord]) -> bool:
    """Whether these start no job on purpose, and not only since somebody paused them."""
    return (
        bool(masters)
        and all(master.stands_still for master in masters)
        and any(supervisor.maintenance for master in masters for supervisor in master.supervisors)
    )
