"""What goes in and out, as the API's document has it. Times are Unix seconds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Path, Schema
from pydantic import ConfigDict, Field

from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.chosen import LONGEST_REASON, MOST_TICKED
from allegro_queue.dashboard.confirm_pages import MOST_MINUTES
from allegro_queue.history.queries import GroupRow, RunRow, TagRow
from allegro_queue.stores.entries import Account, EntryPause
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.workers import LostWorker, WorkerRecord

PLAIN = r"^[^\x00-\x1f\x7f]*$"
"""Text of one line."""

JOB_ID = r"^[A-Za-z0-9_-]{1,200}$"
LATEST = 2**33
"""Largest Unix time that is taken: a run's id, which begins with its time, still fits into 64 bits."""

Name = Annotated[str, Path(max_length=255, pattern=PLAIN)]
JobId = Annotated[str, Path(max_length=200, pattern=JOB_ID)]
Fingerprint = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
RunId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Given(Schema):
    """What a caller sends; a key that means nothing is an error."""

    model_config = ConfigDict(extra="forbid")


def words(description: str, longest: int = 200) -> Any:
    """A text that may be left out."""
    return Field("", max_length=longest, pattern=PLAIN, description=description)


class Paging(Given):
    after: str = Field("", max_length=640, pattern=PLAIN, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200, description="Rows of one page.")


# ------------------------------------------------------------------------------------------------------- Errors


class ProblemShape(Schema):
    where: str = Field(description="Part of the request.")
    what: str
    right: str = Field(description="What would be right; may be empty.")


class Errors(Schema):
    errors: list[ProblemShape]


# --------------------------------------------------------------------------------------------------------- Now


class StatusShape(Schema):
    status: Literal["running", "paused", "inactive"]
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
    supervisors: list[SupervisorShape]


class Masters(Schema):
    masters: list[MasterShape]


class Workers(Schema):
    workers: list[WorkerRecord]
    lost: list[LostWorker] = Field(description="Workers that died in the last 15 minutes, newest first.")


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


# -------------------------------------------------------------------------------------------------------- Jobs


class JobsAsked(Paging):
    state: State = State.WAITING
    queue: str = words("Only this queue.", 255)
    q: str = words("Part of a function's name; the newest 1,000 jobs of the state are looked at.")


class JobShape(Schema):
    id: str
    name: str
    queue: str
    status: str = Field(description="RQ's word.")
    created_at: float | None
    enqueued_at: float | None
    started_at: float | None
    ended_at: float | None
    due_at: float | None
    wait_seconds: float | None
    run_seconds: float | None
    worker: str
    timeout: int | None
    retries_left: int
    error: str


class Jobs(Schema):
    jobs: list[JobShape]
    total: int = Field(description="Of this state; of a search, the matches.")
    searched: int | None = Field(description="Jobs that a search looked at.")
    after: str | None = Field(description="For the next page; null on the last.")


class AttemptShape(Schema):
    result: str
    started_at: float | None
    ended_at: float | None
    worker: str
    error: str
    traceback: str


class JobDetailShape(JobShape):
    arguments: list[Any] | None = Field(description="Masked; null without the right view_payload.")
    keywords: dict[str, Any] | None = Field(description="Masked; null without the right view_payload.")
    result: Any = Field(description="Of the newest attempt; masked; null without the right view_payload.")
    hidden: str = Field(description="Why arguments and result are not shown; empty when they are.")
    attempts: list[AttemptShape] = Field(description="Newest first.")
    expires_in: float | None


class Chosen(Given):
    """Failed jobs: those named, or all of a queue or of all queues."""

    ids: list[Annotated[str, Field(pattern=JOB_ID)]] = Field([], max_length=MOST_TICKED)
    all: bool = False
    queue: str = words("With `all`: only this queue.", 255)
    failed_until: float | None = Field(None, ge=0, le=LATEST, description="Leave alone what failed later.")


class Done(Schema):
    done: bool = Field(description="False when there was nothing to do.")
    outcome: str


# ------------------------------------------------------------------------------------------------------ History


class RunsAsked(Paging):
    outcome: list[Literal["succeeded", "failed", "retried", "stopped", "lost"]] = Field([], description="Any of these.")
    queue: str = words("", 255)
    name: str = words("Dotted path of the function.", 255)
    tag: str = words("", 255)
    tenant: str = words("", 255)
    batch: str = words("", 255)
    exception: str = words("", 255)
    fingerprint: str = words("Of a failure group.", 64)
    job_id: str = words("", 255)
    worker: str = words("", 255)
    host: str = words("", 255)
    q: str = words("Words that all stand in name, tags, error or arguments.")
    silenced: bool | None = None
    since: float = Field(0, ge=0, le=LATEST)
    until: float = Field(0, ge=0, le=LATEST, description="0 for no end.")


class Runs(Schema):
    runs: list[RunRow]
    after: str | None
    searched_to: float | None = Field(description="Up to when it looked, when it stopped before the page was full.")


GroupWord = Literal["new", "known", "muted", "resolved", "again"]


class FailuresAsked(Paging):
    state: list[GroupWord] = Field([], description="Any of these.")
    name: str = words("Dotted path of the function.", 255)


class Failures(Schema):
    failures: list[GroupRow]
    after: str | None
    counts: dict[GroupWord, int]


class FailureDetail(Schema):
    failure: GroupRow
    newest: RunRow | None = Field(description="The newest run, with its traceback, while it is kept.")


class Mark(Given):
    state: Literal["known", "muted", "resolved"]
    minutes: int | None = Field(None, ge=1, le=MOST_MINUTES, description="How long it is muted.")


# ----------------------------------------------------------------------------------------------------- Schedule


class EntryShape(Schema):
    name: str
    job: str
    queue: str
    line: str
    in_words: str
    zone: str
    enabled: bool
    source: str
    next_at: float | None
    late_seconds: float
    error: str
    runs: int
    missed: int
    skipped: int
    pause: EntryPause | None
    last: Account | None


class EntryDetail(EntryShape):
    coming: list[float]
    accounts: list[Account]


class FaultShape(Schema):
    name: str
    fault: str


class Schedule(Schema):
    entries: list[EntryShape]
    faults: list[FaultShape] = Field(description="Entries of the database that cannot run.")


class PauseAsked(Given):
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
    minutes: int | None = Field(None, ge=1, le=MOST_MINUTES, description="Null: until somebody resumes it.")


# ------------------------------------------------------------------------------------------------------ Metrics


class MetricsAsked(Given):
    kind: Literal["queue", "job", "tag"] = "queue"
    name: str = Field(min_length=1, max_length=255, pattern=PLAIN)
    seconds: Literal[300, 3600, 86400] = Field(300, description="Length of a stretch.")
    since: float | None = Field(None, ge=0, le=LATEST, description="Null: 100 stretches ago.")
    until: float | None = Field(None, ge=0, le=LATEST)


class NamesAsked(Given):
    kind: Literal["queue", "job", "tag"] = "job"


class Times(Schema):
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class PointShape(Schema):
    starts_at: float
    started: int
    succeeded: int
    failed: int
    retried: int
    stopped: int
    runtime: Times
    wait: Times
    depth: int | None = Field(description="Most jobs that a snapshot saw waiting.")
    oldest_seconds: float | None


class Metrics(Schema):
    kind: str
    name: str
    seconds: int
    counted_until: float = Field(description="Every run until then is counted.")
    points: list[PointShape] = Field(description="Oldest first; stretches without runs are left out.")


class Names(Schema):
    names: list[str]


# ------------------------------------------------------------------------------------------- Health, journal, tags


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


class ActivityAsked(Given):
    after: str = words("The `after` of the page before.", 19)
    who: str = words("", 254)
    action: str = words("", 40)
    q: str = words("Words in subject, reason or outcome.")


class DeedShape(Schema):
    id: int
    at: float
    who: str
    via: Literal["page", "token", "command"]
    action: str
    subject: str
    reason: str
    outcome: str
    succeeded: bool

    @staticmethod
    def resolve_at(deed: Activity) -> float:
        return deed.at.timestamp()


class Deeds(Schema):
    activity: list[DeedShape]
    after: str | None


class Tags(Schema):
    tags: list[TagRow]


class TagAsked(Given):
    tag: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
