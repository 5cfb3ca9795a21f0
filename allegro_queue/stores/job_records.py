"""What RQ keeps of a job, as values: read from bytes, bounded, and never run or unpickled. Pure."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rq.results import Result

from allegro_queue.jobs import ATTEMPT_FIELD, REASON_FIELD
from allegro_queue.stores.replies import text
from allegro_queue.terms import FIELD as TERMS_FIELD
from allegro_queue.terms import NO_TERMS, Terms, decode_terms

LONGEST_TRACEBACK = 20_000
LONGEST_PAYLOAD = 20_000
LONGEST_NAME = 200
LONGEST_LINE = 500

FIELDS = (
    "description",
    "origin",
    "status",
    "created_at",
    "enqueued_at",
    "started_at",
    "ended_at",
    "worker_name",
    "timeout",
    "retries_left",
    TERMS_FIELD,
    ATTEMPT_FIELD,
    REASON_FIELD,
)

UNNAMED = "unnamed job"
"""Stands for a description that is not a dotted path: it may hold anything, also what is private."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """One job in a list. Times are Unix seconds; ``None`` where RQ has none."""

    id: str
    name: str
    queue: str
    status: str
    """RQ's own word."""
    created_at: float | None
    enqueued_at: float | None
    started_at: float | None
    ended_at: float | None
    worker: str
    timeout: int | None
    """Seconds that an attempt may run; ``None`` for no limit."""
    retries_left: int
    """Attempts that are left after this one."""
    error: str = ""
    """The newest failure in one line; empty unless it failed."""
    due_at: float | None = None
    """When a scheduled job is to be queued."""
    attempt: int = 1
    """Number of the attempt that runs, or comes next; of the last one when it has ended."""
    terms: Terms = NO_TERMS
    reason: str = ""
    """Why a worker put it off, in words; empty when none did."""

    @property
    def tries(self) -> int:
        """Attempts in all."""
        return self.attempt + max(self.retries_left, 0)

    @property
    def wait_seconds(self) -> float | None:
        if self.enqueued_at is None or self.started_at is None:
            return None
        return max(self.started_at - self.enqueued_at, 0.0)

    @property
    def run_seconds(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max(self.ended_at - self.started_at, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One ended attempt, from RQ's result stream."""

    result: str
    """``finished``, ``failed``, ``stopped``, ``retried``, or RQ's own number when it is unknown."""
    started_at: float | None
    ended_at: float | None
    worker: str
    traceback: str
    value: str
    """What it returned, as JSON text; empty when it returned nothing, or when ``unreadable`` says why not."""
    unreadable: str = ""
    """Why the value cannot be shown; empty when it can."""
    queued_at: float | None = None
    """When its turn was queued, where that is known of it alone; RQ keeps it of no attempt."""
    said: str = ""
    """The failure in one line, where it is known without a traceback."""

    @property
    def error(self) -> str:
        """The failure in one line; empty when it did not fail."""
        return self.said or error_line(self.traceback)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDetail:
    """All that the job's page shows."""

    row: JobRow
    arguments: Sequence[Any] | None
    keywords: Mapping[str, Any] | None
    unreadable: str
    """Why the arguments cannot be shown; empty when they can."""
    attempts: tuple[Attempt, ...]
    """Newest first; RQ keeps ten."""
    expires_in: float | None = None
    """Seconds until RQ forgets it; ``None``: never by itself."""


def read_row(job_id: str, values: Sequence[bytes | None], error: str = "", name: str = "") -> JobRow:
    """A row from the hash's fields; garbage in one of them never breaks the list.

    Args:
        name: the function's name where it is known better than from the description.
    """
    given = dict(zip(FIELDS, values, strict=True))
    return JobRow(
        id=job_id,
        name=name or name_in(plain(given["description"])),
        queue=plain(given["origin"]),
        status=plain(given["status"]),
        created_at=unix_time(given["created_at"]),
        enqueued_at=unix_time(given["enqueued_at"]),
        started_at=unix_time(given["started_at"]),
        ended_at=unix_time(given["ended_at"]),
        worker=plain(given["worker_name"]),
        timeout=time_limit(given["timeout"]),
        retries_left=whole_number(given["retries_left"]) or 0,
        error=error,
        attempt=max(whole_number(given[ATTEMPT_FIELD]) or 1, 1),
        terms=read_terms(given[TERMS_FIELD]),
        reason=plain(given[REASON_FIELD])[:LONGEST_LINE],
    )


def read_terms(given: bytes | None) -> Terms:
    """The terms; none when they cannot be read, which is said where the job runs."""
    try:
        return decode_terms(given)
    except (ValueError, RecursionError):
        return NO_TERMS


def name_in(description: str) -> str:
    """The function's dotted path. RQ's own description is the call with its arguments; ours is the bare path."""
    return dotted_path(description.partition("(")[0]) or UNNAMED


def dotted_path(given: object) -> str:
    """The text if it is a dotted path of identifiers; else empty text."""
    if not isinstance(given, str) or len(given) > LONGEST_NAME:
        return ""
    return given if all(part.isidentifier() for part in given.split(".")) else ""


def read_payload(payload: bytes | None) -> tuple[str, Sequence[Any] | None, Mapping[str, Any] | None, str]:
    """Name, arguments, keyword arguments, and why they cannot be shown.

    Only JSON is read: unpickling would run whatever the payload says.
    """
    if payload is None:
        return "", None, None, "The job's data is gone."
    raw, is_whole = unpacked(payload, LONGEST_PAYLOAD)
    if not is_whole:
        return "", None, None, f"The arguments take more than {LONGEST_PAYLOAD:,} bytes, so they are not shown."
    try:
        name, _instance, arguments, keywords = json.loads(raw)
        return dotted_path(name), list(arguments), dict(keywords), ""
    except (ValueError, TypeError, RecursionError):
        reason = f"The arguments are not JSON ({len(raw):,} bytes in another format), and nothing else is read here."
        return "", None, None, reason


def unpacked(packed: bytes, most: int) -> tuple[bytes, bool]:
    """Data, decompressed if it was compressed, and whether that is all of it. Never more than ``most`` bytes."""
    reader = zlib.decompressobj()
    try:
        raw = reader.decompress(packed, most + 1)
    except zlib.error:
        raw = packed[: most + 1]
    return raw[:most], len(raw) <= most


RESULT_WORDS: Mapping[int, str] = {
    Result.Type.SUCCESSFUL.value: "finished",
    Result.Type.FAILED.value: "failed",
    Result.Type.STOPPED.value: "stopped",
    Result.Type.RETRIED.value: "retried",
    Result.Type.MAX_RETRIES_EXCEEDED.value: "failed",
}


def read_attempts(results: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> tuple[Attempt, ...]:
    """Attempts from entries of RQ's result stream, in the order given."""
    return tuple(read_attempt(fields) for _, fields in results)


def read_attempt(fields: Mapping[bytes, bytes]) -> Attempt:
    number = whole_number(fields.get(b"type"))
    value, unreadable = read_value(fields.get(b"return_value"))
    return Attempt(
        result=RESULT_WORDS.get(number or 0, f"unknown ({number})"),
        started_at=seconds(fields.get(b"execution_started_at")),
        ended_at=seconds(fields.get(b"execution_ended_at")),
        worker=plain(fields.get(b"worker_name")),
        traceback=read_traceback(fields.get(b"exc_string")),
        value=value,
        unreadable=unreadable,
    )


def read_traceback(packed: bytes | None) -> str:
    """The traceback; the end of it, where the error stands, when it is very long."""
    if not packed:
        return ""
    try:
        raw, _ = unpacked(base64.b64decode(packed), 50 * LONGEST_TRACEBACK)
    except ValueError:
        return "The traceback cannot be read."
    traceback = text(raw)
    if len(traceback) > LONGEST_TRACEBACK:
        return "(the beginning is left out)\n" + traceback[-LONGEST_TRACEBACK:]
    return traceback


def read_value(packed: bytes | None) -> tuple[str, str]:
    """A return value as JSON text, and why it cannot be shown. Only JSON is read."""
    if not packed:
        return "", ""
    try:
        raw = base64.b64decode(packed)
        if len(raw) > LONGEST_PAYLOAD:
            return "", f"The result takes {len(raw):,} bytes; more than {LONGEST_PAYLOAD:,} are not shown."
        json.loads(raw)
    except (ValueError, RecursionError):
        return "", "The result is not JSON, and nothing else is read here."
    return raw.decode(errors="replace"), ""


FRAME = re.compile(r'^  File ".*", line \d+', re.MULTILINE)


def error_line(traceback: str) -> str:
    """The error itself: the first line after the last frame; the last line where there are no frames."""
    lines = traceback.strip().splitlines()
    frames = [place for place, line in enumerate(lines) if FRAME.match(line)]
    found = ""
    if frames:
        found = next((line for line in lines[frames[-1] + 1 :] if line and not line[0].isspace()), "")
    return (found or (lines[-1] if lines else "")).strip()[:LONGEST_LINE]


def rq_time(unix: float) -> str:
    """A moment as RQ writes it; such texts are in the order of time."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unix_time(given: bytes | None) -> float | None:
    """RQ's ISO text as Unix seconds; ``None`` for none, and for what is not a time."""
    if not given:
        return None
    try:
        return datetime.fromisoformat(text(given)).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def seconds(given: bytes | None) -> float | None:
    """A Unix time in seconds, or RQ's ISO text; ``None`` for none, and for what no clock shows."""
    if not given:
        return None
    try:
        moment = float(given)
    except ValueError:
        return unix_time(given)
    return moment if 0 <= moment < 2**40 else None


def time_limit(given: bytes | None) -> int | None:
    """Seconds; RQ writes -1 for no limit."""
    limit = whole_number(given)
    return limit if limit is not None and limit > 0 else None


def whole_number(given: bytes | None) -> int | None:
    try:
        return int(given) if given else None
    except ValueError:
        return None


def plain(given: bytes | None) -> str:
    return text(given) if given else ""
