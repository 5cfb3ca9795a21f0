from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from allegro.dev.valkey import server_binary
from allegro_queue.conf import horizon_settings, queue_configs
from allegro_queue.inbox import SignalInbox
from allegro_queue.plan import build_plan
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.controls import Control
from allegro_queue.supervision.asking import SharedAnswer
from allegro_queue.supervision.maintenance import SILENT_SECONDS, Maintenance
from allegro_queue.supervision.master import AFTER_OUTAGE_SECONDS, Master, Settlers
from allegro_queue.supervision.pool import ProcessPool
from tests.support.children import FakeChild
from tests.support.server import start_server


@dataclass
class Scene:
    """A master without workers, over a server that is not there yet."""

    folder: Path
    stores: Stores
    master: Master
    sweeps: list[frozenset[str]]
    answer: SharedAnswer
    """What whoever asks whether the application is under maintenance was told."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Redis(unix_socket_path=str(tmp_path / "redis.sock"), retry=Retry(NoBackoff(), 0)) as connection:
        stores = open_stores(connection)
        sweeps: list[frozenset[str]] = []

        def sweep(now: float, living: frozenset[str], leads: Callable[[], bool]) -> None:
            stores.reservations.all()
            sweeps.append(living)

        answer = SharedAnswer()
        settlers = Settlers(settle=lambda worker, pid, ending, begun: None, sweep=sweep, keep_house=lambda: None)
        plan = build_plan(horizon_settings(), queue_configs())
        yield Scene(
            tmp_path,
            stores,
            Master(
                "web-1-ab12",
                plan,
                [],
                singles={name: ProcessPool(FakeChild, grace=1) for name in ("scheduler", "collector")},
                stores=stores,
                settlers=settlers,
                inbox=SignalInbox(),
                queues=["default"],
                maintenance=Maintenance(ProcessPool(FakeChild, grace=1), answer),
            ),
            sweeps,
            answer,
        )


def test_while_redis_is_away_a_master_says_so_once(scene: Scene, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "allegro_queue.supervision"):
        for quarter in range(40):
            scene.master.tick(time.monotonic() + quarter / 4)

    assert len([each for each in caplog.messages if "Redis did not answer" in each]) == 1
    assert "Redis answers again" not in caplog.messages


def test_when_redis_is_back_living_workers_can_say_so_before_the_dead_are_looked_for(scene: Scene):
    now = time.monotonic()
    scene.master.tick(now)
    server = start_server(server_binary(), scene.folder)
    try:
        back = now + 100
        scene.master.tick(back)
        scene.master.tick(back + AFTER_OUTAGE_SECONDS - 1)
        assert scene.sweeps == []

        scene.master.tick(back + AFTER_OUTAGE_SECONDS + 1)
        assert len(scene.sweeps) == 1
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_that_an_answer_on_maintenance_is_old_stands_in_the_record_until_there_is_a_fresh_one(scene: Scene):
    now = time.monotonic()
    scene.master.tick(now)
    scene.answer.note_answer(True, now + 5)

    scene.master.tick(now + 5 + SILENT_SECONDS)
    silent_since = scene.master.record(time.time()).maintenance_silent_since
    assert silent_since == pytest.approx(time.time() + 5, abs=2)

    scene.answer.note_answer(True, now + 30)
    scene.master.tick(now + 30)
    assert scene.master.record(time.time()).maintenance_silent_since is None


def test_a_master_that_leaves_waits_for_no_answer_on_maintenance(scene: Scene, caplog: pytest.LogCaptureFixture):
    now = time.monotonic()
    scene.master.tick(now)
    scene.answer.note_answer(False, now)
    scene.master.obey(Control.TERMINATE, now)

    scene.master.tick(now + 10 * SILENT_SECONDS)

    assert scene.master.record(time.time()).maintenance_silent_since is None
    assert not [each for each in caplog.messages if "has not answered" in each]
