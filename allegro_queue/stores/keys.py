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
        """Text (JSON): what the leading scheduler says of itself. Lives 15 s past its last beat."""
        return f"{self.prefix}scheduler"

    @property
    def schedulers(self) -> str:
        """Sorted set: living schedulers, leading or standing by, by time of the last beat. The dead are dropped."""
        return f"{self.prefix}schedulers"

    @property
    def scheduler_lease(self) -> str:
        """Text: token of the scheduler that leads. Lives half a second past its last beat."""
        return f"{self.prefix}scheduler_lease"

    @property
    def scheduler_fence(self) -> str:
        """Text: a number that grows with each new leader; the steps of an earlier one are refused."""
        return f"{self.prefix}scheduler_fence"

    @property
    def entries(self) -> str:
        """Hash: cron entry name to its state (JSON): last account, counts, error. One field an entry; pruned with them."""
        return f"{self.prefix}entries"

    @property
    def installed(self) -> str:
        """Hash: cron entry name to the entry (JSON) as a scheduler found it declared. One field an entry."""
        return f"{self.prefix}installed"

    def accounts(self, entry: str) -> str:
        """List (JSON): what became of an entry's last 50 times, newest first. Goes with the entry."""
        return f"{self.prefix}accounts:{entry}"

    @property
    def paused_entries(self) -> str:
        """Hash: cron entry name to ``{"since", "until", "by", "reason"}``. One field an entry."""
        return f"{self.prefix}paused_entries"

    @property
    def open_runs(self) -> str:
        """Hash: id of a run's job to its entry, until it is known how the job ended. One field an unended job."""
        return f"{self.prefix}open_runs"

    def tally(self, kind: str, name: str) -> str:
        """Hash: counts of one queue or job name since the last snapshot, which takes it away."""
        return f"{self.prefix}tally:{kind}:{name}"

    def tallied(self, kind: str) -> str:
        """Set: the queues or job names that have a tally or snapshots; 1,000 names at most."""
        return f"{self.prefix}tallied:{kind}"

    def snapshots(self, kind: str, name: str) -> str:
        """List (JSON): snapshots of one queue or job name, oldest first, ``HORIZON["snapshots"]`` at most, two days."""
        return f"{self.prefix}snapshots:{kind}:{name}"

    @property
    def last_snapshot(self) -> str:
        """Text: Unix time in seconds of the last snapshot."""
        return f"{self.prefix}last_snapshot"

    @property
    def taking_snapshot(self) -> str:
        """Text: somebody is taking a snapshot. Lives 30 s at most."""
        return f"{self.prefix}taking_snapshot"

    def minute(self, number: int) -> str:
        """Hash: counts of one minute (Unix time // 60), for the last hour's charts. Lives two hours."""
        return f"{self.prefix}minute:{number}"

    @property
    def runs(self) -> str:
        """Stream (field ``run``: a run record): every ended attempt, the last ``HORIZON["runs_kept"]``, oldest first."""
        return f"{self.prefix}runs"
