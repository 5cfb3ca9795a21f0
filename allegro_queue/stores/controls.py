"""Words sent to running masters: the dashboard and the commands talk to them through Redis alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from redis import Redis
from rq.command import send_shutdown_command

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import Reply, text

CONTROL_LIFE = 60
"""Seconds after which a word that nobody took is forgotten."""


LONGEST_SAID = 200
"""Characters kept of what people write along with a control word."""


class Control(StrEnum):
    """What a master can be told."""

    PAUSE = "pause"
    CONTINUE = "continue"
    RESTART = "restart"
    TERMINATE = "terminate"
    KILL = "kill"
    """For one worker alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """A control word with all that was said along with it."""

    control: Control
    supervisor: str = ""
    """The supervisor that is meant; empty: the whole master. Only pause and continue can be meant for one."""
    worker: str = ""
    """The worker that is meant; empty: none. Only terminate and kill can be meant for one."""
    until: float | None = None
    """Unix time at which a pause ends by itself."""
    by: str = ""
    reason: str = ""


class ControlStore:
    """Sends and takes control words."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def send(self, master: str, control: Control) -> None:
        """Leave a word for a master; it looks each second."""
        self._push(master, control.value)

    def instruct(self, master: str, instruction: Instruction) -> None:
        """Leave a word for one supervisor or worker of a master."""
        self._push(master, json.dumps(asdict(instruction)))

    def shut_down(self, worker: str) -> None:
        """Tell a worker that has no master to leave after its job, by RQ's own word for it."""
        send_shutdown_command(self._client, worker)

    def keep(self, pause: Instruction) -> None:
        """Remember a supervisor's pause for masters that start later."""
        self._client.hset(self._keys.paused_supervisors, pause.supervisor, json.dumps(asdict(pause)))

    def drop(self, supervisor: str = "") -> None:
        """Forget a supervisor's pause, or that of all."""
        if supervisor:
            self._client.hdel(self._keys.paused_supervisors, supervisor)
        else:
            self._client.delete(self._keys.paused_supervisors)

    def kept(self, now: float) -> list[Instruction]:
        """Pauses of supervisors that hold now, by name."""
        found = map(read_instruction, self._client.hvals(self._keys.paused_supervisors))
        held = (each for each in found if each is not None and (each.until is None or each.until > now))
        return sorted(held, key=lambda each: each.supervisor)

    def prune(self, now: float) -> None:
        """Forget pauses of supervisors that are over."""
        for each in map(read_instruction, self._client.hvals(self._keys.paused_supervisors)):
            if each is not None and each.until is not None and each.until <= now:
                self.drop(each.supervisor)

    def take(self, master: str) -> list[Instruction]:
        """All words for this master, oldest first; they are gone then."""
        with self._client.pipeline() as pipeline:
            pipeline.lrange(self._keys.controls(master), 0, -1)
            pipeline.delete(self._keys.controls(master))
            words = pipeline.execute()[0]
        return [each for each in map(read_instruction, words) if each is not None]

    def _push(self, master: str, word: str) -> None:
        with self._client.pipeline() as pipeline:
            pipeline.rpush(self._keys.controls(master), word)
            pipeline.expire(self._keys.controls(master), CONTROL_LIFE)
            pipeline.execute()


def read_instruction(word: Reply) -> Instruction | None:
    """An instruction from a bare control word or from JSON; ``None`` for what this version does not understand."""
    written = text(word)
    try:
        if not written.startswith("{"):
            return Instruction(control=Control(written))
        given = json.loads(written)
        told = Instruction(**{**given, "control": Control(given["control"])})
        return replace(told, by=on_one_line(told.by), reason=on_one_line(told.reason))
    except (ValueError, KeyError, TypeError):
        return None


def on_one_line(words: str) -> str:
    """What people wrote, as it may stand in a log and in a job's error."""
    return " ".join(str(words).split())[:LONGEST_SAID]
