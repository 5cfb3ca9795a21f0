from __future__ import annotations

import signal
from typing import Any

import pytest
from redis import Redis

from allegro_queue.workers import child
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.worker import HorizonWorker


def test_a_worker_told_to_leave_while_it_is_being_made_does_not_start(redis: Redis, monkeypatch: pytest.MonkeyPatch):
    def make_and_hear(*args: Any, **kwargs: Any) -> HorizonWorker:
        made = HorizonWorker(*args, **kwargs)
        # To this very thread: by kill() another one may hear it, and then it may come too late.
        signal.raise_signal(signal.SIGTERM)
        return made

    monkeypatch.setattr(child, "HorizonWorker", make_and_hear)

    assert make_worker(["default"], name="here.1.abcd") is None
