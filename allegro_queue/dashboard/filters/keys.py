"""What jobs can be asked for: the keys, what their values look like, and the states. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from django.utils.translation import gettext_noop


class Kind(Enum):
    """What a key's value looks like."""

    TEXT = auto()
    STATE = auto()
    YES = auto()
    SECONDS = auto()
    NUMBER = auto()
    TIME = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key."""

    kind: Kind = Kind.TEXT
    live: bool = False
    """Whether it can be asked of jobs that have not ended."""
    slow: bool = False
    """Whether no index answers it, so that runs are looked at one by one."""
    example: str
    says: str


KEYS: Mapping[str, Key] = {
    "state": Key(kind=Kind.STATE, live=True, example="state:failed,lost", says=gettext_noop("the state")),
    "queue": Key(live=True, example="queue:high,default", says=gettext_noop("the queue")),
    "func": Key(live=True, example="func:send_magic_link", says=gettext_noop("the function, whole or its last part")),
    "tag": Key(live=True, example="tag:member:42", says=gettext_noop("a tag")),
    "tenant": Key(live=True, example="tenant:7", says=gettext_noop("for whom it acts")),
    "batch": Key(live=True, example="batch:3f2a", says=gettext_noop("the batch")),
    "error": Key(example="error:Timeout", says=gettext_noop("the type of the failure, or a part of it")),
    "group": Key(example="group:5d41402a", says=gettext_noop("the failure group")),
    "id": Key(live=True, example="id:6c0f41d2", says=gettext_noop("the job’s id")),
    "worker": Key(live=True, slow=True, example="worker:web-1.4121.a1b2", says=gettext_noop("the worker")),
    "host": Key(slow=True, example="host:web-2", says=gettext_noop("the worker’s host")),
    "attempt": Key(
        kind=Kind.NUMBER, live=True, slow=True, example="attempt:>1", says=gettext_noop("which attempt it is")
    ),
    "wait": Key(kind=Kind.SECONDS, live=True, slow=True, example="wait:>10m", says=gettext_noop("how long it waited")),
    "run": Key(kind=Kind.SECONDS, live=True, slow=True, example="run:>30s", says=gettext_noop("how long it ran")),
    "age": Key(
        kind=Kind.SECONDS, live=True, example="age:<24h", says=gettext_noop("how long ago it ended, or was queued")
    ),
    "at": Key(kind=Kind.TIME, example="at:2026-11-20..2026-11-21", says=gettext_noop("when it ended")),
    "silenced": Key(
        kind=Kind.YES, slow=True, example="silenced:yes", says=gettext_noop("whether it is a silenced job")
    ),
    "still": Key(kind=Kind.YES, example="still:yes", says=gettext_noop("failed, and not retried or deleted since")),
}

ARGUMENT = re.compile(r"args\.[A-Za-z_][A-Za-z0-9_]{0,60}")
ARGUMENTS = Key(slow=True, example="args.member_id:991", says=gettext_noop("an argument that was given by name"))

LIVE = ("waiting", "running", "scheduled", "deferred")
ENDED = ("finished", "failed", "retried", "lost", "stopped")
ALL = "all"
STATES = (*LIVE, *ENDED, ALL)
OTHER_NAMES = {"queued": "waiting", "started": "running", "succeeded": "finished"}

RANGES = frozenset({Kind.SECONDS, Kind.NUMBER, Kind.TIME})
ONCE = frozenset(KEYS) - {"tag"}
"""Keys that a job has one value of, so that asking twice would find nothing."""


def key_named(name: str) -> Key | None:
    """The key of this name; ``None`` when there is none."""
    return ARGUMENTS if ARGUMENT.fullmatch(name) else KEYS.get(name)
