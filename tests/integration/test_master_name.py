from __future__ import annotations

import os
import signal
import socket
import subprocess
from argparse import ArgumentTypeError

import pytest
from redis.exceptions import ConnectionError as RedisAway

from allegro_queue.errors import AlreadyRunning
from allegro_queue.inbox import SignalInbox
from allegro_queue.management.commands.horizon import master_name, order, size
from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.supervision.master import Master, Settlers, is_gone
from allegro_queue.supervision.pool import ProcessPool
from allegro_queue.supervisor_options import SupervisorOptions
from tests.support import records
from tests.support.children import FakeChild


class ObedientChild(FakeChild):
    """Leaves as soon as it is told to."""

    def send(self, number: signal.Signals) -> None:
        super().send(number)
        self.leaves()


def master(stores: Stores, name: str) -> Master:
    """A master that runs nothing but a scheduler and a collector that are none."""
    return Master(
        name,
        Plan(environment="local", connection="sync", supervisors=()),
        [],
        singles={name: ProcessPool(ObedientChild, grace=1) for name in ("scheduler", "collector")},
        stores=stores,
        settlers=Settlers(settle=lambda *dead: None, sweep=lambda *living: None, keep_house=lambda: None),
        inbox=SignalInbox(),
        queues=["high"],
    )


def test_a_taken_name_is_refused_in_words_before_anything_is_started(stores: Stores):
    stores.masters.write(records.master(1, name="web", host="elsewhere", pid=4102))
    refused = master(stores, "web")

    with pytest.raises(AlreadyRunning, match="named 'web' is running already: pid 4102 on elsewhere"):
        refused.run()

    assert refused.record(2).scheduler_pid is None
    assert stores.masters.living()[0].host == "elsewhere"


def test_a_name_that_proves_taken_when_redis_comes_back_is_given_up(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    holder = records.master(1, name="web", host="elsewhere", pid=4102)
    stores.masters.write(holder)
    refused = master(stores, "web")
    claim = stores.masters.claim
    answers = iter([False, True])

    def claim_once_redis_answers(*given: object) -> object:
        if not next(answers):
            raise RedisAway("no server")
        return claim(*given)

    monkeypatch.setattr(stores.masters, "claim", claim_once_redis_answers)

    with pytest.raises(AlreadyRunning, match="pid 4102 on elsewhere"):
        refused.run()

    assert refused.has_left
    assert stores.masters.living() == [holder]


def test_only_a_process_of_this_host_can_be_seen_to_be_gone():
    here = socket.gethostname()
    ended = subprocess.Popen(["true"])
    ended.wait()

    assert is_gone(records.master(1, host=here, pid=ended.pid))
    assert not is_gone(records.master(1, host="elsewhere", pid=ended.pid))
    assert not is_gone(records.master(1, host=here, pid=os.getppid()))
    assert is_gone(records.master(1, host=here, pid=os.getpid()))


@pytest.mark.parametrize("given", ["", "a b", "web:1", "*", "x" * 65])
def test_a_name_that_could_not_be_part_of_a_key_is_refused(given: str):
    with pytest.raises(ArgumentTypeError):
        master_name(given)
    assert master_name("web-1.example") == "web-1.example"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "1 worker on a > b"),
        ({"max_processes": 5}, "1 to 5 workers on a > b"),
        ({"min_processes": 5, "max_processes": 5}, "5 workers on a > b"),
        ({"balance": "auto", "max_processes": 5}, "2 to 5 workers on a, b (balance: auto)"),
        ({"balance": "simple", "max_processes": 5}, "5 workers on a, b (balance: simple)"),
    ],
)
def test_the_start_says_how_many_workers_there_may_be(options: dict[str, object], words: str):
    given = SupervisorOptions(**{"name": "one", "queue": ("a", "b"), **options})

    assert f"{size(given)} on {order(given.queue, given.balance)}" == words
