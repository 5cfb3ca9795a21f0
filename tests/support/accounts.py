"""The accounts of a run: every job that was acknowledged has ended in one way, ran as often as it may, and was judged right.

What Redis says of the jobs is compared with the ledger that they wrote outside it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from rq.job import JobStatus

from allegro_queue.stores import Stores
from tests.support.ledger import Run, read_ledger

LOST_WORKER = "allegro_queue.errors.WorkerLost"


@dataclass(slots=True)
class Accounts:
    """How many jobs came to what. ``faults()`` is empty when all is as promised."""

    acked: int = 0
    """Jobs whose caller was told that they are queued."""
    finished: int = 0
    failed: int = 0
    pending: int = 0
    """Neither finished nor failed, but somewhere."""
    lost: list[str] = field(default_factory=list)
    """In no list and no registry, or gone altogether."""
    doubled: list[str] = field(default_factory=list)
    """Started more often than they had tries and deaths of workers to answer for it."""
    overlapping: list[str] = field(default_factory=list)
    """Two attempts at once."""
    wrong: list[str] = field(default_factory=list)
    """Failed although they came to their end and their worker lived, or finished although they never did."""
    cut_short: list[str] = field(default_factory=list)
    """Failed since their worker was killed between their last line and the record of it: nobody could know."""
    never_ran: list[str] = field(default_factory=list)
    """Failed with a dead worker and without a first line: killed between the call and that line."""
    unasked: list[str] = field(default_factory=list)
    """Ran more often than they may, although their caller was told that they may not be queued at all."""

    def faults(self) -> dict[str, list[str] | int]:
        """What is not as promised."""
        wrong: dict[str, list[str] | int] = {
            name: found
            for name in ("lost", "doubled", "overlapping", "wrong", "unasked")
            if (found := getattr(self, name))
        }
        if self.pending:
            wrong["pending"] = self.pending
        if self.acked > self.finished + self.failed + self.pending + len(self.lost):
            wrong["acked"] = self.acked
        return wrong

    def in_words(self) -> str:
        """One line for a report."""
        return (
            f"acked {self.acked}, finished {self.finished}, failed {self.failed}, pending {self.pending}, "
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, overlapping {len(self.overlapping)}, "
            f"wrong verdicts {len(self.wrong)}, cut short after their last line {len(self.cut_short)}, "
            f"killed before their first line {len(self.never_ran)}"
        )


def settle_accounts(stores: Stores, acked: Collection[str], ledger: Path, *, tries: int = 1) -> Accounts:
    """Compare what Redis says of these jobs with what they wrote down.

    Args:
        tries: how often each may be started.
    """
    runs = read_ledger(ledger)
    accounts = Accounts(acked=len(acked))
    orphans = {each.id for each in stores.audit.orphans(lambda: None)}
    standing = {job_id for ids in stores.audit.standing() for job_id in ids}
    ids = list(acked)
    for start in range(0, len(ids), 1000):
        rows = {row.id: row for row in stores.jobs.rows(ids[start : start + 1000], with_errors=True)}
        for job_id in ids[start : start + 1000]:
            row = rows.get(job_id)
            if row is None or not row.status or job_id in orphans:
                accounts.lost.append(job_id)
                continue
            judge(accounts, job_id, row.status, row.error, runs.get(job_id, []), tries, job_id in standing)
    known = set(acked)
    accounts.unasked = [job_id for job_id, each in runs.items() if job_id not in known and len(each) > tries]
    accounts.lost += [job_id for job_id in orphans if job_id not in known]
    return accounts


def judge(accounts: Accounts, job_id: str, status: str, error: str, runs: list[Run], tries: int, stands: bool) -> None:
    """Enter one job."""
    ended = [run for run in runs if run.ended_at is not None]
    if status == JobStatus.FINISHED.value:
        accounts.finished += 1
        if not ended:
            accounts.wrong.append(job_id)
    elif status == JobStatus.FAILED.value:
        accounts.failed += 1
        if error.startswith(LOST_WORKER):
            if not runs:
                accounts.never_ran.append(job_id)
            elif runs[-1].ended_at is not None:
                accounts.cut_short.append(job_id)
        elif runs and runs[-1].ended_at is not None:
            accounts.wrong.append(job_id)
    elif stands:
        accounts.pending += 1
    else:
        accounts.lost.append(job_id)
    if len(runs) > tries:
        accounts.doubled.append(job_id)
    for earlier, later in pairwise(runs):
        if earlier.ended_at is not None and earlier.ended_at > later.started_at:
            accounts.overlapping.append(job_id)
