"""Every Redis key of the library's own, from the prefix. Pure.

RQ's keys keep RQ's prefix (``RQ_KEY_PREFIX``); these start with ``HORIZON_PREFIX``. Each has a bound: a life in seconds,
a cap, or a set of names that the code limits.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys under one prefix."""

    prefix: str = "horizon:"

    @property
    def masters(self) -> str:
        """Sorted set: master name by time of its last beat. The dead are dropped when it is read."""
        return f"{self.prefix}masters"

    def master(self, name: str) -> str:
        """Text (JSON): what a living master says of itself and its supervisors. Lives 15 s past its last beat."""
        return f"{self.prefix}master:{name}"

    def controls(self, master: str) -> str:
        """List (bare words, or JSON): words sent to a master, oldest first. Lives 60 s past the last word."""
        return f"{self.prefix}controls:{master}"

    @property
    def workers(self) -> str:
        """Sorted set: worker name by time of its last beat. The dead are dropped when it is read."""
        return f"{self.prefix}workers"

    def worker(self, name: str) -> str:
        """Text (JSON): what a living worker says of itself. Lives 30 s past its last beat."""
        return f"{self.prefix}worker:{name}"

    @property
    def lost_workers(self) -> str:
        """List (JSON): the last 50 workers that died, newest first."""
        return f"{self.prefix}lost"

    @property
    def reserved(self) -> str:
        """Hash: worker name to ``{"job", "queue", "origin", "execution", "at"}`` of the one job it holds. One field a worker, gone when settled."""
        return f"{self.prefix}reserved"

    def settling(self, worker: str) -> str:
        """Text: somebody is settling this dead worker's job. Lives 30 s."""
        return f"{self.prefix}settling:{worker}"

    @property
    def paused(self) -> str:
        """Hash: queue name (``*`` for all) to ``{"since", "until", "by", "reason"}``. One field a queue."""
        return f"{self.prefix}paused"

    @property
    def paused_supervisors(self) -> str:
        """Hash: supervisor name to the instruction (JSON) that paused it. One field a supervisor."""
        return f"{self.prefix}paused_supervisors"

    @property
    def scheduler(self) -> str:
        """Text (JSON): what the living scheduler says of itself. Lives 30 s past its last beat."""
        return f"{self.prefix}scheduler"

    @property
    def entries(self) -> str:
        """Hash: cron entry name to the JSON of its last run. One field an entry; pruned with the entries."""
        return f"{self.prefix}entries"

    @property
    def last_snapshot(self) -> str:
        """Text: Unix time in seconds of the last snapshot."""
        return f"{self.prefix}last_snapshot"

    @property
    def taking_snapshot(self) -> str:
        """Text: somebody is taking a snapshot. Lives 30 s at most."""
        return f"{self.prefix}taking_snapshot"

    def minute(self, number: int) -> str:
        """Hash: queue to the jobs that waited in one minute (Unix time // 60), for the last hour's charts. Lives two hours."""
        return f"{self.prefix}minute:{number}"

    @property
    def runs(self) -> str:
        """Stream (field ``run``: a run record): every ended attempt, the last ``HORIZON["runs_kept"]``, oldest first."""
        return f"{self.prefix}runs"

    @property
    def collecting(self) -> str:
        """Text: token of the one process that collects runs. Lives 10 s past its last beat."""
        return f"{self.prefix}collecting"

    @property
    def collector(self) -> str:
        """Text (JSON): what the living collector says of itself. Lives 30 s past its last beat."""
        return f"{self.prefix}collector"

    @property
    def runtimes(self) -> str:
        """Hash: queue name to the mean run time of its last minutes in milliseconds. Written anew at once; lives a day."""
        return f"{self.prefix}runtimes"
