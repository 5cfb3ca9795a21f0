from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from allegro_queue.connection import client, forget_client
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import open_stores
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import running
from tests.support.sentinels import DOWN_AFTER_SECONDS, NAME, WatchedPair, watched_pair

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(settings: Any, tmp_path: Path) -> Iterator[WatchedPair]:
    """A watched pair of servers; this process dispatches there too."""
    with watched_pair(tmp_path) as servers:
        forget_client()
        sentinels = [("127.0.0.1", port) for port in servers.ports]
        settings.RQ_QUEUES = {
            name: {
                "SENTINELS": sentinels, "MASTER_NAME": NAME, "DB": 0, "PASSWORD": None, "SOCKET_TIMEOUT": 10,
                "SERIALIZER": config["SERIALIZER"],
            }
            for name, config in settings.RQ_QUEUES.items()
        }  # fmt: skip
        yield servers
        forget_client()


def test_when_the_master_server_is_killed_the_tree_stays_up_and_nothing_replicated_is_lost(
    pair: WatchedPair, tmp_path: Path, record_property: Callable[[str, object], None]
):
    trail, times = tmp_path / "trail", tmp_path / "times"
    replicated: list[str] = []
    refused = 0

    def send() -> None:
        nonlocal refused
        word = f"job-{len(replicated) + refused}"
        try:
            dispatch(jobs.note_with_time, str(trail), str(times), word, options=JobOptions(queue="high"))
            # The same connection as the write: the only one that this thread uses.
            if client().wait(1, 500) >= 1:
                replicated.append(word)
            else:
                refused += 1
        except QueueUnavailable:
            refused += 1

    with running("horizon", REDIS_URL="", REDIS_SENTINELS=pair.addresses, REDIS_MASTER_NAME=NAME) as process:
        eventually(lambda: open_stores().workers.living(), within=20, explain=process.said)
        before = {each.pid for each in open_stores().workers.living()}
        while len(replicated) < 100:
            send()

        pair.master.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        pair.master.wait()

        def resumed() -> bool:
            send()
            return any(float(each) > killed + DOWN_AFTER_SECONDS for each in times.read_text().splitlines())

        eventually(resumed, within=40, explain=process.said)
        eventually(lambda: set(replicated) <= set(trail.read_text().splitlines()), within=20, explain=process.said)

        eventually(lambda: {each.pid for each in open_stores().workers.living()} == before, explain=process.said)
        assert not process.has_ended()
        assert open_stores().audit.orphans(lambda: None) == []
        assert open_stores().workers.lost(since=0) == []

    moments = sorted(float(each) for each in times.read_text().splitlines())
    gap = max(later - earlier for earlier, later in pairwise(moments))
    record_property("longest time without a job", f"{gap:.1f} s")
    record_property("jobs replicated, refused", f"{len(replicated)}, {refused}")
    words = trail.read_text().splitlines()
    record_property("run twice", len(words) - len(set(words)))
    print(f"gap {gap:.1f} s, {len(replicated)} replicated, {refused} refused, {len(words) - len(set(words))} run twice")
    assert gap < DOWN_AFTER_SECONDS + 10
