"""The stream of run records as its one collector reads it, that collector's lease, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from redis import Redis
from redis.exceptions import ResponseError

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.other_versions import known
from allegro_queue.stores.replies import Reply, text
from allegro_queue.tellings import Telling, read_telling_if_any, verbatim

LEASE_SECONDS = 10
COLLECTOR_LIFE = 30
RUNTIMES_LIFE = 86_400

HOLD = """
-- Take or renew the lease. KEYS: collecting. ARGV: token, seconds.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

LET_GO = """
-- Give the lease back, if it is still ours. KEYS: collecting, collector. ARGV: token.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1], KEYS[2])
"""

START = "0-0"


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream at one moment."""

    length: int = 0
    added: int = 0
    """Entries ever added, the dropped ones included."""
    first: str = ""
    """Id of the oldest entry; empty when there is none."""
    last: str = START
    """Id of the newest entry there ever was."""

    @property
    def dropped(self) -> int:
        """Entries that it no longer holds."""
        return max(self.added - self.length, 0)

    @property
    def last_at(self) -> float:
        """Unix time of the newest entry; 0 when there was none."""
        return time_of(self.last)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry."""

    id: str
    text: str
    """The record; empty when the entry has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectorRecord:
    """The living collector, as it was at ``beat_at``."""

    host: str
    pid: int
    master: str
    """Name of the master whose child it is; empty when started alone."""
    started_at: float
    beat_at: float
    behind: int
    """Runs that wait to be collected."""
    behind_seconds: float
    """Age of the oldest of them."""
    per_second: float
    """Runs collected a second, lately."""
    trouble: str = ""
    """Why it does not get on, in English; empty when it does."""
    trouble_said: Telling | None = None
    """The same, to be told in any language; ``None`` in records of versions that had English only."""
    collected: str = ""
    """Id of the newest run that it has written to the database."""

    @property
    def trouble_telling(self) -> Telling:
        """Why it does not get on."""
        return self.trouble_said or verbatim(self.trouble)


class CollectingStore:
    """Reads the stream; keeps the lease."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._hold = client.register_script(HOLD)
        self._let_go = client.register_script(LET_GO)

    def read(self, after: str, count: int) -> tuple[Stream, list[Entry]]:
        """The entries after an id, oldest first, and the stream as it was in that moment."""
        with self._client.pipeline() as pipeline:
            pipeline.xinfo_stream(self._keys.runs)
            pipeline.xrange(self._keys.runs, min=f"({after}", count=count)
            info, entries = pipeline.execute(raise_on_error=False)
        if isinstance(entries, Exception):
            raise entries
        found = []
        for entry, values in entries:
            # A deleted entry may be listed without values.
            held = {text(key): value for key, value in (values or {}).items()}
            found.append(Entry(text(entry), text(held["run"]) if "run" in held else ""))
        return read_stream(info), found

    def hold(self, token: str) -> bool:
        """Take the lease, or renew it; false while another has it."""
        return bool(self._hold(keys=[self._keys.collecting], args=[token, LEASE_SECONDS]))

    def let_go(self, token: str) -> None:
        """Give the lease back, and the record with it."""
        self._let_go(keys=[self._keys.collecting, self._keys.collector], args=[token])

    def beat(self, record: CollectorRecord) -> None:
        """Say that the collector lives."""
        self._client.set(self._keys.collector, json.dumps(asdict(record)), ex=COLLECTOR_LIFE)

    def collector(self) -> CollectorRecord | None:
        """The living collector; ``None`` when there is none."""
        return self.standing()[0]

    def standing(self) -> tuple[CollectorRecord | None, Stream]:
        """The living collector and the stream, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.get(self._keys.collector)
            pipeline.xinfo_stream(self._keys.runs)
            record, info = pipeline.execute(raise_on_error=False)
        if isinstance(record, Exception):
            raise record
        return read_record(record) if record else None, read_stream(info)

    def publish_runtimes(self, milliseconds: Mapping[str, float]) -> None:
        """Say how long the jobs of each queue take on average, for whoever shares workers among queues."""
        with self._client.pipeline() as pipeline:
            pipeline.delete(self._keys.runtimes)
            if milliseconds:
                pipeline.hset(self._keys.runtimes, mapping={name: f"{mean:.3f}" for name, mean in milliseconds.items()})
                pipeline.expire(self._keys.runtimes, RUNTIMES_LIFE)
            pipeline.execute()


def time_of(entry: str) -> float:
    """When an entry was added, as Unix time."""
    return int(entry.partition("-")[0]) / 1000


def read_record(found: Reply) -> CollectorRecord:
    """The record from its JSON, whichever version wrote it."""
    given = known(CollectorRecord, json.loads(found))
    said = read_telling_if_any(given.get("trouble_said"), given.get("trouble", ""))
    return CollectorRecord(**{**given, "trouble_said": said})


def read_stream(info: object) -> Stream:
    """The stream from XINFO's answer; an empty one when there is none yet."""
    if isinstance(info, ResponseError) and "no such key" in str(info):
        return Stream()
    if isinstance(info, Exception):
        raise info
    assert isinstance(info, dict)
    length = int(info["length"])
    first = info.get("first-entry")
    return Stream(
        length=length,
        # Servers below 7.0 do not count; then nothing is known of what was dropped.
        added=int(info.get("entries-added", length)),
        first=text(first[0]) if first else "",
        last=text(info["last-generated-id"]),
    )
