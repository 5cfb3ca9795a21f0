"""RQ's own tools beside ours, on the same queues: its worker, its ``rq info``, and django-rq's pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.support import ledger_jobs
from tests.support.accounts import settle_accounts
from tests.support.eventually import eventually
from tests.support.ledger import read_ledger
from tests.support.people import staff
from tests.support.running import MANAGE, running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]
RQ = Path(sys.executable).with_name("rq")
PAGES = ["jobs", "finished_jobs", "failed_jobs"]
BESIDE = ["--url", os.environ["REDIS_URL"], "--serializer", "rq.serializers.JSONSerializer"]


def rq(*arguments: str) -> subprocess.Popen[str]:
    """RQ's own command, with what a project that it does not know needs."""
    return subprocess.Popen(
        [str(RQ), *arguments], cwd=MANAGE.parent, env={**os.environ, "DJANGO_SETTINGS_MODULE": "allegro.settings"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@contextmanager
def stock_worker() -> Iterator[subprocess.Popen[str]]:
    worker = rq("worker", *BESIDE, *QUEUES)
    try:
        yield worker
    finally:
        worker.terminate()
        worker.communicate(timeout=20)


def test_rqs_own_worker_and_ours_share_the_queues_and_no_job_runs_twice(redis: Redis, stores: Stores, tmp_path: Path):
    ledger = tmp_path / "ledger"
    with stock_worker() as theirs, running("rqworker", *QUEUES) as ours:
        eventually(lambda: redis.scard("rq:workers") == 2, within=20, explain=ours.said)
        ids = [
            dispatch(ledger_jobs.work, str(ledger), 0.02, options=JobOptions(queue=QUEUES[number % 3]))
            for number in range(60)
        ]
        ids.append(dispatch(ledger_jobs.fail_midway, str(ledger)))
        eventually(lambda: len(ended(stores, ids)) == len(ids), within=40, explain=ours.said)
        told = rq("info", *BESIDE[:2], *QUEUES)
        info, _ = told.communicate(timeout=20)

    accounts = settle_accounts(stores, ids, ledger)
    assert (accounts.faults(), accounts.finished, accounts.failed) == ({}, 60, 1)
    # Theirs forks a process for each job, ours runs them in one: both have worked.
    jobs_of = Counter(run.pid for runs in read_ledger(ledger).values() for run in runs)
    assert 1 in jobs_of.values()
    assert max(jobs_of.values()) > 1
    assert theirs.returncode is not None
    assert told.returncode == 0
    for queue in QUEUES:
        assert queue in info
    assert "2 workers, 3 queues" in info


def ended(stores: Stores, ids: list[str]) -> list[str]:
    return [row.id for row in stores.jobs.rows(ids) if row.status in ("finished", "failed")]


def test_django_rqs_pages_show_our_jobs_and_put_a_failed_one_back(
    redis: Redis, stores: Stores, client: Client, tmp_path: Path, settings: Any
):
    settings.ROOT_URLCONF = "tests.support.rq_urls"
    client.force_login(staff(is_superuser=True))
    ledger = tmp_path / "ledger"
    with running("rqworker", *QUEUES) as worker:
        done = dispatch(ledger_jobs.work, str(ledger))
        failed = dispatch(ledger_jobs.fail_midway, str(ledger))
        eventually(lambda: len(ended(stores, [done, failed])) == 2, within=20, explain=worker.said)
        assert len(read_ledger(ledger)[failed]) == 1
        place = list(settings.RQ_QUEUES).index("default")
        pages = {name: client.get(reverse(f"django_rq:{name}", args=[place])) for name in PAGES}
        assert {name: page.status_code for name, page in pages.items()} == dict.fromkeys(PAGES, 200)
        assert done in pages["finished_jobs"].content.decode()
        assert failed in pages["failed_jobs"].content.decode()
        for job_id in (done, failed):
            page = client.get(reverse("django_rq:job_detail", args=[place, job_id]))
            assert page.status_code == 200
            assert "tests.support.ledger_jobs" in page.content.decode()

        requeued = rq("requeue", *BESIDE, "--queue", "default", failed)
        said, _ = requeued.communicate(timeout=20)
        assert requeued.returncode == 0, said
        eventually(lambda: len(read_ledger(ledger)[failed]) == 2, within=20, explain=worker.said)
        eventually(lambda: len(ended(stores, [failed])) == 1, within=20, explain=worker.said)
    accounts = settle_accounts(stores, [done, failed], ledger, tries=2)
    assert accounts.faults() == {}
