"""What is noted of each ended attempt: one compact text, written in the step that files the job. Pure.

Metrics and history are both made of these records, so there is one source for both, and a killed worker takes no count
with it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

RunOutcome = Literal["succeeded", "failed", "retried", "stopped", "lost"]

FORMAT = "1"
SEPARATOR = "\x1f"
ARGUMENTS_KEPT = 1_000
"""Characters of a call's JSON that a record keeps."""
TRACEBACK_KEPT = 8_000
"""Characters of a traceback that a record keeps: the end, where the fault is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """One ended attempt of one job."""

    execution_id: str
    job_id: str
    name: str
    """The job's dotted name."""
    queue: str
    """The queue that it was taken from."""
    worker: str
    """Name of the worker; host and process are part of it."""
    supervisor: str
    """Name of its supervisor; empty for a worker that was started alone."""
    attempt: int
    """1 for the first."""
    enqueued_at: float
    """Unix seconds; 0 when not known."""
    started_at: float
    """Unix seconds, by the server's clock."""
    ended_at: float
    outcome: RunOutcome
    """``retried``: failed, and another attempt follows. ``lost``: its worker died, and no other follows."""
    terms: str = ""
    """The job's terms (``terms.Terms``) as they stood in its hash."""
    call: str = ""
    """Its arguments as JSON, ``[[positional, ...], {named}]``; not masked: what shows or keeps it masks it first. What is
    longer than ``ARGUMENTS_KEPT`` is cut off there, and is no JSON then."""
    error: str = ""
    """Type and message of the failure, such as ``ValueError: no such member``."""
    traceback: str = ""
    version: str = ""
    """Version of the code that ran (``HORIZON["version"]``)."""

    def encode(self) -> str:
        """As one text. A separator inside a value becomes a space."""
        return run_text(*(getattr(self, name) for name in NAMES))


NAMES = tuple(each.name for each in fields(RunRecord))


def run_text(
    execution_id: str,
    job_id: str,
    name: str,
    queue: str,
    worker: str,
    supervisor: str,
    attempt: int,
    enqueued_at: float,
    started_at: float,
    ended_at: float,
    outcome: RunOutcome,
    *texts: str,
) -> str:
    """The text of a record from its fields in order; a worker makes it at each job, without the record."""
    before = (execution_id, job_id, name, queue, worker, supervisor)
    times = SEPARATOR.join((str(attempt), decimal(enqueued_at), decimal(started_at), decimal(ended_at)))
    text = SEPARATOR.join((FORMAT, *before, times, outcome, *texts))
    if text.count(SEPARATOR) == len(NAMES):
        return text
    return SEPARATOR.join((FORMAT, *map(without, before), times, outcome, *map(without, texts)))


def decimal(seconds: float) -> str:
    """Seconds with six decimals; by way of whole microseconds, since the way from a float to text is a long one."""
    whole, part = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{whole}.{part:06d}"


def without(value: str) -> str:
    return value.replace(SEPARATOR, " ")


def decode_run(text: str) -> RunRecord:
    """A record from its text.

    Raises:
        ValueError: it is not one, or of a format that this release does not know.
    """
    version, *values = text.split(SEPARATOR)
    if version != FORMAT or len(values) != len(NAMES):
        raise ValueError(f"not a run record of format {FORMAT}: {text[:80]!r}")
    found = dict(zip(NAMES, values, strict=True))
    return RunRecord(
        **{
            **found,
            "attempt": int(found["attempt"]),
            **{each: float(found[each]) for each in ("enqueued_at", "started_at", "ended_at")},
        }  # type: ignore[arg-type]
    )
