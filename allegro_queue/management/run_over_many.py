"""Doing a run over many jobs at the terminal, to its end, with a word now and then about how far it is."""

from __future__ import annotations

import time

from allegro_queue.bulk import words, work
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import subject_of
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.stores import Stores

PORTION_SECONDS = 2.0
"""Between two words about how far it is."""


def carry_out(command: RedisCommand, stores: Stores, run: BulkRun, *, verbosity: int) -> None:
    """Do it, and note and print what came of it."""
    told_at = time.time()
    while not work.do(stores, run, seconds=PORTION_SECONDS):
        if verbosity and time.time() - told_at >= PORTION_SECONDS:
            told_at = time.time()
            command.stderr.write(f"{run.noted:,} of {run.total or 0:,} jobs so far (run {run.pk}).")
    outcome = words.outcome(run)
    command.note(run.act, subject_of(run), outcome, reason=run.reason, succeeded=run.done > 0, run_id=run.pk)
    command.stdout.write(outcome.english)
