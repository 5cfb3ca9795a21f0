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

    @property
    def housekeeper(self) -> str:
        """Text: the master that does what is done once for all. Lives 10 s past its last word."""
        return f"{self.prefix}housekeeper"

    @property
    def left(self) -> str:
        """Sorted set: master name by the time at which it took its leave. Each is dropped after an hour."""
        return f"{self.prefix}left"

    @property
    def seats(self) -> str:
        """Hash: master name to the workers it may have (JSON), under limits for all masters. One field a master; a
        claim of more than 15 s ago counts no more, and is dropped at the next one."""
        return f"{self.prefix}seats"

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

    def put_back(self, job_id: str) -> str:
        """Text: how often in a row a job was put back because its worker died before it began. Lives 10 minutes."""
        return f"{self.prefix}put_back:{job_id}"

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

    @property
    def alerts_firing(self) -> str:
        """Text: how many alerts fire and are not muted, for the bar of the pages. Lives 15 s past the last look."""
        return f"{self.prefix}alerts_firing"

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

    def unique(self, key: str) -> str:
        """Text: id of the job that holds this lock, so that no second one is queued. Lives ``unique_seconds`` of its terms,
        and as long as it waits for its time; taken over when that job has ended or is gone."""
        return f"{self.prefix}unique:{key}"

    def overlap(self, key: str) -> str:
        """Text: id of the execution that alone works on this. Lives ``overlap_seconds`` of its terms (a minute at the
        least) past its last renewal."""
        return f"{self.prefix}overlap:{key}"

    def rate(self, key: str) -> str:
        """Hash: hundredth part of the period to the runs that began in it; 102 fields at most. Lives a period past the
        last run."""
        return f"{self.prefix}rate:{key}"

    def line(self, key: str) -> str:
        """Sorted set: jobs that found the rate used up, by the time (Unix ms) they were told to come back. Each is gone a
        period past its time."""
        return f"{self.prefix}line:{key}"

    def batch(self, batch_id: str) -> str:
        """Hash: a batch, what is to follow, and how many of its jobs ended how. Beside it, under the same name: ``:open``
        (set: jobs that have not ended), ``:failed`` and ``:skipped`` (sorted sets: jobs by the time of their end), and
        ``:then``, ``:catch``, ``:finally`` (hashes: jobs ready to be queued). All live ``batch_days`` past its end."""
        return f"{self.prefix}batch:{batch_id}"

    @property
    def batches(self) -> str:
        """Sorted set: batches by the time they were made. Those that are gone are dropped by whoever keeps house."""
        return f"{self.prefix}batches"

    @property
    def open_batches(self) -> str:
        """Set: batches that have not ended."""
        return f"{self.prefix}open_batches"

    def progress(self, job_id: str) -> str:
        """Hash: how far a running job says it is, and how many bytes its log takes. Lives ``failed_minutes`` past its last
        word, no longer than the bin keeps it once the job is deleted, and only while the job is among the last
        ``notes_kept`` that said something."""
        return f"{self.prefix}progress:{job_id}"

    def log(self, job_id: str) -> str:
        """List (JSON): the last ``log_lines`` lines that a job logged, 64 KB at most, oldest first. Lives as its
        progress does."""
        return f"{self.prefix}log:{job_id}"

    @property
    def noted(self) -> str:
        """Sorted set: jobs that said something, by the time of their last word. ``notes_kept`` at most."""
        return f"{self.prefix}noted"

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

    def bulk_todo(self, run: int) -> str:
        """Sorted set: jobs that a run over many has yet to act on, in their order. Lives a week past its last change."""
        return f"{self.prefix}bulk:{run}:todo"

    def bulk_closed(self, run: int) -> str:
        """Text: the set of a run is chosen, and no job comes into it any more. Lives a week."""
        return f"{self.prefix}bulk:{run}:closed"

    def bulk_results(self, run: int) -> str:
        """List (``job id result``): what a run over many did, in order. Lives a week past its last change."""
        return f"{self.prefix}bulk:{run}:results"

    @property
    def bin(self) -> str:
        """Sorted set: deleted jobs by the time (Unix s) of their deletion. A day each, and so many at most."""
        return f"{self.prefix}bin"

    @property
    def bin_places(self) -> str:
        """Hash: deleted job to where it stood and the run that deleted it (JSON). One field a job of the bin."""
        return f"{self.prefix}bin_places"

    @property
    def bin_jobs(self) -> str:
        """Start of the keys that deleted jobs' hashes are kept under. A day each."""
        return f"{self.prefix}bin_job:"

    @property
    def bin_results(self) -> str:
        """Start of the keys that deleted jobs' results (RQ's streams) are kept under. A day each."""
        return f"{self.prefix}bin_results:"
