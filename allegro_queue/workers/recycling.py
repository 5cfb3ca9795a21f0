"""When a worker has done its share and a fresh one takes its place. Pure."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one worker process does at most; 0 for no limit."""

    max_jobs: int = 0

    max_time: int = 0
    """Seconds."""

    memory: int = 0
    """Resident memory in MiB, looked at after each job."""

    @property
    def is_limited(self) -> bool:
        return bool(self.max_jobs or self.max_time or self.memory)


NO_LIMITS = Share()


def reason_to_leave(share: Share, *, jobs: int, seconds: float, memory_bytes: int) -> str:
    """Why the worker leaves now, in words; empty when it goes on.

    Args:
        jobs: how many it has run.
        seconds: how long it has worked.
        memory_bytes: resident memory; 0 when not known.
    """
    if share.max_jobs and jobs >= share.max_jobs:
        return f"it has run {jobs} jobs (max_jobs = {share.max_jobs})"
    if share.max_time and seconds >= share.max_time:
        return f"it has worked for {seconds:.0f} seconds (max_time = {share.max_time})"
    if share.memory and memory_bytes > share.memory * MEBIBYTE:
        return f"it has grown to {memory_bytes / MEBIBYTE:.0f} MiB (memory = {share.memory})"
    return ""
