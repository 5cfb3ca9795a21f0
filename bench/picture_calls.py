"""The jobs of the product that ``bench/pictures.py`` shows: how each behaves on a usual day, and one call of it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rq.job import Job

from allegro_queue.queues import get_queue
from allegro_queue.terms import FIELD

TENANTS = ("city-news", "harbour-times", "cobalt-events", "north-radio")
KEPT_SECONDS = 7 * 86_400
"""How long a failed job is kept."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one job of the product behaves on a usual day."""

    name: str
    queue: str
    limit: int
    """Seconds that it may run."""
    a_minute: float
    seconds: float
    failing: float
    error: str
    frames: tuple[str, str]
    """File with line and function, and the line itself, where it fails."""
    args: tuple[str, ...]


SEND = Kind(
    "allegro.magic_links.jobs.send_magic_link",
    "high",
    60,
    2.2,
    0.18,
    0.004,
    "SMTPServerDisconnected: Connection unexpectedly closed",
    ('allegro/mail_accounts/transport.py", line 58, in send', "server.send_message(message)"),
    ("link_id",),
)
DELIVER = Kind(
    "allegro.webhooks.jobs.deliver",
    "default",
    60,
    3.1,
    0.34,
    0.012,
    "HTTPStatusError: 503 Service Unavailable from hooks.cobalt-events.example",
    ('allegro/webhooks/sending.py", line 91, in send', "answer.raise_for_status()"),
    ("delivery_id",),
)
WARM = Kind("allegro.audience.jobs.prewarm_profile", "high", 60, 1.4, 0.09, 0.0, "", ("", ""), ("member_id",))
SYNC = Kind("allegro.audience.jobs.sync_member", "audience-sync", 120, 5.0, 0.72, 0.008,
            'ProviderRefused: mailchimp answered 400 "Member In Compliance State"',
            ('allegro/audience/mailchimp.py", line 143, in put', "raise ProviderRefused(answer)"),
            ("account_id", "member_id"))  # fmt: skip

KINDS = (SEND, DELIVER, WARM, SYNC)


def described(kind: Kind, luck: random.Random) -> dict[str, Any]:
    """Name, queue, arguments and tags of one of its calls."""
    tenant = luck.choice(TENANTS)
    named = {
        each: f"{luck.randrange(16**8):08x}" if each != "account_id" else luck.randrange(1, 9) for each in kind.args
    }
    tags = [f"organization:{tenant}"] + (["provider:mailchimp"] if kind is SYNC else [])
    return {
        "name": kind.name, "queue": kind.queue, "call": json.dumps([[], named]),
        "terms": json.dumps({"tags": tags, "tenant": tenant}),
    }  # fmt: skip


def broken(kind: Kind) -> dict[str, str]:
    """How it fails."""
    place, line = kind.frames
    module, _, function = kind.name.rpartition(".")
    job_file = module.replace(".", "/")
    return {
        "error": kind.error,
        "traceback": (
            "Traceback (most recent call last):\n"
            '  File "/venv/lib/python3.12/site-packages/rq/job.py", line 1388, in perform\n'
            "    self._result = self._execute()\n"
            f'  File "/srv/allegro/{job_file}.py", line 41, in {function}\n'
            f"    return send({', '.join(kind.args)})\n"
            f'  File "/srv/allegro/{place}\n'
            f"    {line}\n"
            f"{kind.error}\n"
        ),
    }


def queued(stores: Any, kind: Kind, given: Mapping[str, Any]) -> Job:
    """This call of it, at the end of its queue."""
    [_, named] = json.loads(given["call"])
    line = get_queue(kind.queue, stores.client)
    job = line.enqueue_call(
        kind.name, kwargs=named, description=kind.name, timeout=kind.limit, failure_ttl=KEPT_SECONDS
    )
    stores.client.hset(job.key, FIELD, given["terms"])
    return job


def taken(stores: Any, kind: Kind, given: Mapping[str, Any]) -> Job:
    """The same, once a worker has taken it out of the queue."""
    job = queued(stores, kind, given)
    stores.client.lrem(get_queue(kind.queue, stores.client).key, -1, job.id)
    return job
