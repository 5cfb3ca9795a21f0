"""From a record of Redis to what is written of it: masked, cut to its columns, with its tags and its failure. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from allegro_queue.history.calls import preview, read_call
from allegro_queue.history.fingerprints import Failure, failure_of
from allegro_queue.history.models import EXECUTION_LENGTH, MESSAGE_LENGTH, NAME_LENGTH
from allegro_queue.history.tags import tags_of
from allegro_queue.masking import masked, rule_for_key
from allegro_queue.metrics.counts import Kind
from allegro_queue.storable import storable
from allegro_queue.stores.run_record import RunRecord
from allegro_queue.terms import NO_TERMS, decode_terms

COLUMNS = (
    "id", "execution_id", "job_id", "name", "queue", "supervisor", "worker", "host", "tenant", "batch", "tags", "attempt",
    "enqueued_at", "started_at", "ended_at", "outcome", "silenced", "exception", "message", "traceback", "fingerprint",
    "arguments", "version", "words",
)  # fmt: skip
"""Of the table of runs, in the order in which rows are made."""

FINGERPRINT = COLUMNS.index("fingerprint")

SEQUENCE_BITS = 20

WORKER = re.compile(r"(?P<host>.+)\.\d+\.[0-9a-f]{4}")
WORD = re.compile(r"[^\W_]{2,40}")
MOST_WORDS = 40

OUTCOMES = frozenset({"succeeded", "failed", "retried", "stopped", "lost"})


@dataclass(frozen=True, slots=True)
class Silence:
    """Which jobs stand in a list of their own."""

    names: Collection[str] = ()
    tags: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """One run as it is written."""

    id: int
    record: RunRecord
    tags: tuple[str, ...]
    failure: Failure | None
    message: str
    """Of the failure; masked."""
    silenced: bool
    row: tuple[Any, ...]
    """As ``COLUMNS`` say."""

    @property
    def fingerprint(self) -> str:
        """Of its failure group; empty when it did not fail."""
        return str(self.row[FINGERPRINT])

    def in_group(self, fingerprint: str) -> Kept:
        """The same run in another group."""
        return replace(self, row=(*self.row[:FINGERPRINT], fingerprint, *self.row[FINGERPRINT + 1 :]))

    def names(self, tag_prefixes: Collection[str] = ()) -> list[tuple[Kind, str]]:
        """What it counts for in the series."""
        found: list[tuple[Kind, str]] = [("queue", self.row[4]), ("job", self.row[3])]
        if self.failure is not None:
            found.append(("failure", self.fingerprint))
        if self.record.version:
            # So that a deploy can be seen beside what it changed.
            found.append(("version", cut(self.record.version)))
        if tag_prefixes:
            found += [("tag", each) for each in self.tags if each.partition(":")[0] in tag_prefixes]
        return found


def run_id(entry: str) -> int:
    """The number of a stream's entry (``1790000000000-3``): it grows with time, as the entries do."""
    milliseconds, _, sequence = entry.partition("-")
    return (int(milliseconds) << SEQUENCE_BITS) + int(sequence or 0)


LATEST = 2**33
"""Largest Unix time that can be asked for, in the year 2242: a run's id, which begins with its time, still fits into 64 bits."""


def first_id_at(moment: float) -> int:
    """The least number that a run recorded at this Unix time or later can have."""
    return int(moment * 1000) << SEQUENCE_BITS


def recorded_at(number: int) -> float:
    """When the run of this number was recorded, as Unix time."""
    return (number >> SEQUENCE_BITS) / 1000


def kept(entry: str, record: RunRecord, silence: Silence) -> Kept:
    """A record as it is written.

    Raises:
        ValueError: something in it cannot be.
    """
    if record.outcome not in OUTCOMES or not record.execution_id or record.ended_at <= 0:
        raise ValueError(f"a run of outcome {record.outcome!r} that ended at {record.ended_at!r}")
    try:
        terms = decode_terms(record.terms)
    except ValueError:
        terms = NO_TERMS
    call = read_call(record.call) if record.call else None
    tags = tags_of(terms.tags, record.name, call.arguments, call.keywords) if call else tags_of(terms.tags, "", (), {})
    tags = tuple(masked(each) for each in tags if not rule_for_key(each.partition(":")[0]))
    failure = failure_of(record)
    message = masked(storable(failure.message)[: 2 * MESSAGE_LENGTH])[:MESSAGE_LENGTH] if failure else ""
    arguments = storable(preview(call)) if call else ""
    name, queue = cut(record.name) or "unnamed job", cut(record.queue)
    silenced = name in silence.names or any(each in silence.tags for each in tags)
    exception = cut(failure.exception) if failure else ""
    number = run_id(entry)
    row = (
        number,
        cut(record.execution_id)[:EXECUTION_LENGTH],
        cut(record.job_id),
        name,
        queue,
        cut(record.supervisor),
        cut(record.worker),
        host_of(record.worker),
        cut(terms.tenant),
        cut(terms.batch),
        storable("\n".join(tags)),
        record.attempt,
        record.enqueued_at,
        record.started_at,
        record.ended_at,
        record.outcome,
        silenced,
        exception,
        message,
        # Line by line: most have nothing to mask, which is seen at a glance.
        "\n".join(masked(each) for each in storable(record.traceback).split("\n")) if failure else "",
        failure.fingerprint if failure else "",
        arguments,
        cut(record.version),
        words_of(name, exception, message, arguments, *tags),
    )
    return Kept(id=number, record=record, tags=tags, failure=failure, message=message, silenced=silenced, row=row)


def cut(text: str) -> str:
    return storable(text)[:NAME_LENGTH]


@lru_cache(maxsize=1_000)
def host_of(worker: str) -> str:
    """The host in a worker's name; empty for a name given by hand."""
    found = WORKER.fullmatch(worker)
    return cut(found["host"]) if found else ""


@lru_cache(maxsize=1_000)
def words_in_name(name: str) -> tuple[str, ...]:
    return tuple(WORD.findall(name.lower()))


def words_of(name: str, *texts: str) -> str:
    """What a search looks at: the words of all these, in lower case, each once."""
    found = [*words_in_name(name), *WORD.findall(" ".join(texts).lower())]
    return " ".join(list(dict.fromkeys(found))[:MOST_WORDS])
