"""The parts of ``bench/audience.py``, each for a process of its own; the last line that it prints is what it measured."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from typing import Any

import django


def grown(before: int) -> float:
    """MiB by which this process's most memory has risen."""
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def prepare(members: int, url: str) -> dict[str, Any]:
    """Tables, one organization and its members."""
    from django.core.management import call_command

    from allegro.audience.models import Member, ProviderAccount
    from allegro.organizations.models import Organization

    call_command("migrate", verbosity=0)
    organization = Organization.objects.create(name="Bench", slug="bench")
    ProviderAccount.objects.create(
        organization=organization, provider="json-profile", url=f"{url}/people/{{email}}", list_url=f"{url}/people"
    )
    for start in range(0, members, 5000):
        Member.objects.bulk_create(
            Member(organization=organization, email=f"reader-{number}@example.com")
            for number in range(start, min(start + 5000, members))
        )
    return {}


def only(count: int) -> None:
    """Let the provider speak of so many members."""
    from allegro.audience.json_profiles import JsonProfileProvider
    from allegro.audience.models import Member

    first = Member.objects.order_by("pk")[count - 1 : count].values_list("pk", flat=True).first()
    JsonProfileProvider.members_to_sync = (  # type: ignore[method-assign]
        lambda self: Member.objects.filter(organization_id=self.account.organization_id, pk__lte=first)
    )


def begin(read_list: bool = False) -> Any:
    """A round that has just become due."""
    from allegro.audience.models import ProviderAccount, SyncRound, SyncRun

    SyncRun.objects.all().delete()
    SyncRound.objects.all().delete()
    ProviderAccount.objects.update(read_list=read_list)
    return ProviderAccount.objects.get()


def steps_of(account: Any) -> list[float]:
    """Seconds of each job that dispatches the round."""
    from allegro.audience.jobs import continue_round, evaluate_organization
    from allegro.audience.models import SyncRound

    steps = []
    started = time.monotonic()
    evaluate_organization(account.organization_id)
    steps.append(time.monotonic() - started)
    while (step := SyncRound.objects.filter(dispatched_at=None).first()) is not None:
        started = time.monotonic()
        # The step before has queued this one behind the members; nobody is there to take it.
        continue_round(str(step.pk), "odd")
        steps.append(time.monotonic() - started)
    return steps


def dispatch(members: int) -> dict[str, Any]:
    """Dispatch a round of so many members."""
    from allegro.audience.models import SyncRound

    only(members)
    account = begin()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps = steps_of(account)
    return {
        "members": members,
        "queued": SyncRound.objects.get().dispatched,
        "steps": steps,
        "grown": grown(before),
    }


def drain(members: int) -> dict[str, Any]:
    """Sync so many members one by one, by one worker process."""
    from allegro.audience.models import SyncRound
    from allegro_queue.workers.child import make_worker

    only(members)
    steps_of(begin())
    worker = make_worker(["audience-sync"], name="bench.1.abcd")
    assert worker is not None
    started, spent = time.monotonic(), time.process_time()
    worker.work(burst=True)
    seconds, spent = time.monotonic() - started, time.process_time() - spent
    synced = SyncRound.objects.get().synced
    if synced != members:
        raise SystemExit(f"synced {synced} of {members}")
    return {"members": members, "seconds": seconds, "processor": spent}


def list_(members: int) -> dict[str, Any]:
    """Sync so many members from the source's list."""
    from allegro.audience.models import SyncRound

    account = begin(read_list=True)
    spent = time.process_time()
    steps = steps_of(account)
    spent = time.process_time() - spent
    done = SyncRound.objects.get()
    if done.listed != members or done.dispatched:
        raise SystemExit(f"listed {done.listed} of {members}, {done.dispatched} were left to ask for")
    return {"members": members, "seconds": sum(steps), "longest": max(steps), "processor": spent}


def source() -> None:
    """A source that knows everybody, and has a list of 100 pages."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together, so that nobody waits for an acknowledgement.
        wbufsize = -1

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/people":
                page = int(query.rpartition("=")[2] or 0)
                rows = [{"email": f"reader-{each}@example.com", "level": "patron"} for each in page_of(page)]
                found = {"members": rows, "next": f"?page={page + 1}" if page < 99 else None}
                self.say(200, json.dumps(found).encode())
            elif self.headers.get("If-None-Match") == '"1"':
                self.say(304, b"")
            else:
                self.say(200, b'{"level": "patron", "since": 2015, "gifts": [1, 2, 3]}')

        def say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *args: Any) -> None:
            return None

    def page_of(page: int) -> range:
        return range(page * 1000, (page + 1) * 1000)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    parent = os.getppid()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(0.2)


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    if name == "source":
        source()
        raise SystemExit
    django.setup()
    if name == "prepare":
        measured = prepare(int(arguments[0]), arguments[1])
    else:
        measured = {"dispatch": dispatch, "drain": drain, "list": list_}[name](int(arguments[0]))
    print(json.dumps(measured))
