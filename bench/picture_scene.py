"""What ``bench/pictures.py`` shows: a day of a product with members, mails, webhooks and a sync, and its workers at work.

A process of its own: it fills the stores, prints the addresses of the pages as JSON, and keeps the processes of the scene
alive until its input ends.
"""

from __future__ import annotations

import json
import select
import sys
import time
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402
from picture_calls import DELIVER, SEND, SYNC  # noqa: E402
from picture_now import alive, batches, running, waiting  # noqa: E402
from picture_past import EMAIL, alerts, failed_job, follow_tags, past, people, plan  # noqa: E402

from allegro_queue.history.models import FailureGroup  # noqa: E402
from allegro_queue.stores import open_stores  # noqa: E402
from tests.support.people import staff  # noqa: E402
from tests.support.runs import collected  # noqa: E402

BEAT = 1.0
"""Seconds between two signs of life."""

WHOLE = ("overview", "jobs", "failures", "queues", "workers", "schedule", "metrics", "monitoring", "batches", "alerts",
         "activity", "health")  # fmt: skip
"""Pages whose address is always the same."""


def main() -> None:
    stores = open_stores()
    now = time.time()
    cookie = sign_in()
    places = fill(stores, now)
    at_work = running(stores, now)
    alive(stores, at_work, time.time())
    print(json.dumps({"cookie": cookie, "pages": addresses(places)}), flush=True)
    while not select.select([sys.stdin], [], [], BEAT)[0]:
        alive(stores, at_work, time.time())


def sign_in() -> str:
    """The cookie of a super admin's session."""
    setup_test_environment()
    user = staff(EMAIL)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def fill(stores: Any, now: float) -> dict[str, str]:
    """All that stands still; what stands for the parts of addresses that vary."""
    follow_tags(now)
    past(stores, now)
    listed = [(SEND, 48), (DELIVER, 27), (SYNC, 16), (SYNC, 11), (DELIVER, 4)]
    for place, (kind, minutes) in enumerate(listed):
        job_id = failed_job(stores, kind, now - 60 * minutes, place)
    plan(stores, now)
    batch_id = batches(stores)
    collected(stores)
    waiting(stores)
    people(now)
    alerts(now)
    stores.metrics.finish_snapshot(now - 132)
    group = FailureGroup.objects.get(name=DELIVER.name)
    return {"job_id": job_id, "fingerprint": group.fingerprint, "batch_id": batch_id}


def addresses(places: dict[str, str]) -> dict[str, str]:
    """Every page by the name of its pictures."""
    return {name: reverse(f"horizon:{name}") for name in WHOLE} | {
        "job": reverse("horizon:job", kwargs={"job_id": places["job_id"]}),
        "failure": reverse("horizon:failure", kwargs={"fingerprint": places["fingerprint"]}),
        "queue": reverse("horizon:queue", kwargs={"queue": "audience-sync"}),
        "batch": reverse("horizon:batch", kwargs={"batch_id": places["batch_id"]}),
        "confirm": reverse("horizon:confirm_retry", query={"all": "1"}),
    }


if __name__ == "__main__":
    main()
