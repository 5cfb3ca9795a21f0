"""What is known of each cron entry beside its next time: how it is declared, what became of its last times, its pause."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from allegro_queue.stores.job_records import unix_time
from allegro_queue.stores.jobs import job_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text
from allegro_queue.stores.scripts import script

ACCOUNTS_KEPT = 50

UNENDED = ("queued", "started", "deferred", "scheduled", "rate_limited", "created")
"""RQ's words for a job that is still to end."""

LOOKED_AT = 500
"""Open runs that one look asks after, about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What became of one time of an entry, or of several that fared the same."""

    what: str
    """``run``, ``by hand``, ``skipped`` (paused, or the run before had not ended), ``missed`` (no scheduler ran) or
    ``refused`` (the entry is broken)."""
    due_at: float
    at: float
    """When that was settled: for a run, when its job was queued."""
    job_id: str = ""
    """Id of the job; empty when none was queued."""
    reason: str = ""
    """Why no job was queued, or not one for each time."""
    count: int = 1
    """Times that it stands for."""
    since: float | None = None
    """The first of these times, when there are several."""
    by: str = ""
    """Who had it run by hand."""
    result: str = ""
    """RQ's word for how the job ended, or ``gone``; empty until that is known."""
    ended_at: float | None = None
    seconds: float | None = None
    """Its run time."""

    @property
    def start_delay(self) -> float:
        """Seconds from the time that it was due to its job's queueing."""
        return max(self.at - self.due_at, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryState:
    """An entry's counts, and its last account."""

    last: Account | None = None
    runs: int = 0
    missed: int = 0
    skipped: int = 0
    error: str = ""
    """Why its last time could not be queued; empty when all was well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPause:
    """An entry whose times are skipped."""

    entry: str
    since: float
    until: float | None = None
    """Unix time at which it resumes by itself; ``None``: until somebody resumes it."""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """All that is known of all entries, by name."""

    installed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Each entry's declaration as a scheduler last found it, with ``fault`` and ``clash`` where there are any."""
    states: Mapping[str, EntryState] = field(default_factory=dict)
    pauses: Mapping[str, EntryPause] = field(default_factory=dict)

    def state(self, name: str) -> EntryState:
        return self.states.get(name, EntryState())


class EntryStore:
    """Keeps what is known of entries."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._by_hand = client.register_script(script("entry_record", "by_hand"))
        self._run_ended = client.register_script(script("entry_record", "run_ended"))

    def known(self, now: float) -> Known:
        """Everything at once, in one round trip; pauses that are over are left out."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hgetall(self._keys.installed)
            pipeline.hgetall(self._keys.entries)
            pipeline.hgetall(self._keys.paused_entries)
            installed, states, pauses = pipeline.execute()
        paused = {text(name): read_pause(text(name), given) for name, given in pauses.items()}
        return Known(
            installed={text(name): json.loads(given) for name, given in installed.items()},
            states={text(name): read_state(given) for name, given in states.items()},
            pauses={name: each for name, each in paused.items() if each.until is None or each.until > now},
        )

    def accounts(self, names: Sequence[str]) -> dict[str, list[Account]]:
        """What became of the last times of these entries, newest first."""
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.lrange(self._keys.accounts(name), 0, ACCOUNTS_KEPT - 1)
            found = pipeline.execute()
        return {
            name: [read_account(json.loads(each)) for each in texts] for name, texts in zip(names, found, strict=True)
        }

    def note_by_hand(self, name: str, job_id: str, now: float, by: str) -> None:
        """Somebody had it run beside its schedule."""
        self._by_hand(
            keys=[self._keys.entries, self._keys.accounts(name), self._keys.open_runs],
            args=[name, job_id, repr(now), by, ACCOUNTS_KEPT],
        )

    def pause(self, pause: EntryPause) -> None:
        """Its times are skipped; what has been queued runs."""
        given = {key: value for key, value in asdict(pause).items() if key != "entry"}
        self._client.hset(self._keys.paused_entries, pause.entry, json.dumps(given))

    def resume(self, name: str) -> bool:
        """Whether it was paused."""
        return bool(self._client.hdel(self._keys.paused_entries, name))

    def holds_any(self) -> bool:
        """Whether any entry was ever declared here."""
        return bool(self._client.exists(self._keys.installed))

    def declare(self, installed: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the declarations of all entries, and forget entries that are no more."""
        keys = self._keys
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hkeys(keys.installed)
            pipeline.hkeys(keys.entries)
            pipeline.hkeys(keys.paused_entries)
            held = pipeline.execute()
        gone = sorted({text(name) for names in held for name in names} - set(installed))
        with self._client.pipeline() as pipeline:
            if gone:
                for key in (keys.installed, keys.entries, keys.paused_entries):
                    pipeline.hdel(key, *gone)
                pipeline.delete(*[keys.accounts(name) for name in gone])
            if installed:
                pipeline.hset(keys.installed, mapping={name: json.dumps(each) for name, each in installed.items()})
            pipeline.execute()

    def settle_runs(self, cursor: int) -> int:
        """Note how runs ended that were still open; from where to go on (nought: all were looked at)."""
        reply: Any = self._client.hscan(self._keys.open_runs, cursor, count=LOOKED_AT)
        going_on, found = int(reply[0]), reply[1]
        open_runs = {text(job_id): text(entry) for job_id, entry in found.items()}
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in open_runs:
                pipeline.hmget(job_key(job_id), "status", "started_at", "ended_at")
            jobs = pipeline.execute(raise_on_error=False)
        with self._client.pipeline(transaction=False) as pipeline:
            for (job_id, entry), job in zip(open_runs.items(), jobs, strict=True):
                status = "gone" if isinstance(job, ResponseError) or not job[0] else text(job[0])
                if status in UNENDED:
                    continue
                started_at, ended_at = (None, None) if status == "gone" else (unix_time(job[1]), unix_time(job[2]))
                seconds = ended_at - started_at if started_at is not None and ended_at is not None else None
                self._run_ended(
                    keys=[self._keys.entries, self._keys.accounts(entry), self._keys.open_runs],
                    args=[entry, job_id, status, blank(ended_at), blank(seconds)],
                    client=pipeline,
                )
            pipeline.execute()
        return going_on


def blank(value: float | None) -> str:
    return "" if value is None else repr(value)


def read_account(given: Mapping[str, Any]) -> Account:
    """An account as it was written; fields of a later release are left out."""
    return Account(**known_fields(given, Account))


def read_state(given: bytes) -> EntryState:
    """A state as the scripts write it."""
    said = json.loads(given)
    last = said.get("last")
    values = known_fields(said, EntryState)
    return EntryState(**{**values, "last": read_account(last) if isinstance(last, dict) and "what" in last else None})


def read_pause(name: str, given: bytes) -> EntryPause:
    return EntryPause(**{**known_fields(json.loads(given), EntryPause), "entry": name})


def known_fields(given: Mapping[str, Any], of: type) -> dict[str, Any]:
    names = names_of(of)
    return {key: value for key, value in given.items() if key in names}


@cache
def names_of(record: type) -> frozenset[str]:
    """Names of a record's fields: a page reads hundreds of accounts."""
    return frozenset(each.name for each in fields(record))
