"""Which version masters and workers say that they run."""

from __future__ import annotations

from typing import Any

import pytest

import allegro_queue
from allegro_queue.inbox import SignalInbox
from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.supervision.master import Master, Settlers
from allegro_queue.supervision.pool import ProcessPool
from allegro_queue.workers.child import make_worker
from tests.support.children import FakeChild


@pytest.mark.parametrize(("given", "told"), [("9b03e7d", "9b03e7d"), ("", allegro_queue.__version__)])
def test_a_worker_tells_the_version_of_the_project_and_without_one_the_library_s(
    stores: Stores, settings: Any, given: str, told: str
) -> None:
    settings.HORIZON = {**settings.HORIZON, "version": given}

    worker = make_worker(["default"], name="web-1.1.abcd")

    assert worker is not None
    assert worker.record().version == told


@pytest.mark.parametrize(("given", "told"), [("9b03e7d", "9b03e7d"), ("", allegro_queue.__version__)])
def test_a_master_tells_it_too(stores: Stores, settings: Any, given: str, told: str) -> None:
    settings.HORIZON = {**settings.HORIZON, "version": given}
    master = Master(
        "web-1",
        Plan(environment="local", connection="sync", supervisors=()),
        [],
        singles={"scheduler": ProcessPool(FakeChild, grace=1)},
        stores=stores,
        settlers=Settlers(settle=lambda *dead: None, sweep=lambda *living: None, keep_house=lambda: None),
        inbox=SignalInbox(),
        queues=["high"],
    )

    assert master.record(1.0).version == told
