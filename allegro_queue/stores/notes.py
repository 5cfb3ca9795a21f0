"""What running jobs say of themselves: how far they are, and the lines that they log. Bounded in every way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from redis import Redis

from allegro_queue.job_notes import LogLine, Progress, Said
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text
from allegro_queue.stores.scripts import script

NOTE = script("note")

LOG_BYTES = 64 * 1024
"""Of one job's log at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobNotes:
    """What a job has said."""

    progress: Progress | None
    lines: tuple[LogLine, ...]
    """Oldest first."""
    left_out: int
    """Earlier lines that are not kept."""


class NoteStore:
    """Keeps and reads them."""

    def __init__(self, client: Redis, keys: Keys, *, lines: int, jobs: int, life: int) -> None:
        self._client = client
        self._keys = keys
        self._lines, self._jobs, self._life = lines, jobs, life
        self._note = client.register_script(NOTE)

    def add(self, said: Said, now: float) -> None:
        """Keep what a job has said since the last time."""
        fields: list[str | float] = []
        if said.progress is not None:
            of = said.progress
            fields = ["done", of.done, "total", "" if of.total is None else of.total, "note", of.note, "at", of.at]
        keys = self._keys
        self._note(
            keys=[keys.progress(said.job_id), keys.log(said.job_id), keys.noted],
            args=[
                said.job_id, now, self._lines, LOG_BYTES, self._life, self._jobs,
                keys.progress(""), keys.log(""), said.left_out, len(fields), *fields,
                *(line.encode() for line in said.lines),
            ],
        )  # fmt: skip

    def of(self, job_id: str) -> JobNotes:
        """What a job has said, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hgetall(self._keys.progress(job_id))
            pipeline.lrange(self._keys.log(job_id), 0, -1)
            fields, lines = pipeline.execute()
        said = {text(key): text(value) for key, value in fields.items()}
        return JobNotes(
            progress=read_progress(said),
            lines=tuple(read_lines(lines)),
            left_out=int(said.get("left_out", 0)),
        )


def read_progress(said: dict[str, str]) -> Progress | None:
    """Progress from its hash; ``None`` for a job that only logs."""
    if "done" not in said:
        return None
    total = said.get("total", "")
    return Progress(
        done=float(said["done"]),
        total=float(total) if total else None,
        note=said.get("note", ""),
        at=float(said.get("at", 0)),
    )


def read_lines(lines: Iterable[bytes | str]) -> Iterable[LogLine]:
    for line in lines:
        at, level, logger, attempt, words = json.loads(line)
        yield LogLine(at=at, level=level, logger=logger, attempt=attempt, words=words)
