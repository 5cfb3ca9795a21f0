"""``manage.py horizon_status``: is Horizon running, paused, in maintenance mode or inactive, and where."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from allegro_queue.management.pause_words import pause_in_words
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.queues import current_plan
from allegro_queue.status import EXIT_CODES, status_of
from allegro_queue.stores import Stores
from allegro_queue.stores.maintained import maintained_queues
from allegro_queue.stores.masters import MasterRecord


class Command(RedisCommand):
    help = (
        "Say whether Horizon is running (exit code 0), paused or in the application's maintenance mode (1) or inactive (2); "
        "on which hosts; what is paused, by whom, why and until when; and what does not run in maintenance mode."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, stores: Stores, **options: Any) -> None:
        now = time.time()
        pauses = stores.pauses.current(now)
        held = stores.controls.kept(now)
        masters = stores.masters.living()
        maintained = maintained_queues(masters, stores.workers.living())
        status = status_of(masters, pauses.values())
        notice = current_plan().notice
        if options["json"]:
            self.print_json(
                {
                    "status": status,
                    "masters": len(masters),
                    "hosts": [host_of(each) for each in masters],
                    "paused": sorted(pauses),
                    "pauses": [asdict(each) for each in pauses.values()],
                    "paused_supervisors": [asdict(each) for each in held],
                    "maintenance": maintained,
                    "notice": notice,
                }
            )
        else:
            self.stdout.write(f"Horizon is {status.words}.")
            for master in masters:
                how = f"{master.status}, maintenance mode" if master.is_in_maintenance else master.status
                beat = f"beat {max(0, round(now - master.beat_at))} s ago"
                self.stdout.write(f"  {master.host}  {master.name}  {how}  {beat}")
            for pause in pauses.values():
                name = "all queues are" if pause.queue == "*" else f"{pause.queue} is"
                words = pause_in_words(by=pause.by, reason=pause.reason, until=pause.until)
                self.stdout.write(f"  {name} {words}")
            for each in held:
                words = pause_in_words(by=each.by, reason=each.reason, until=each.until)
                self.stdout.write(f"  {each.supervisor} is {words}")
            if maintained:
                self.stdout.write(
                    f"  maintenance mode: {', '.join(maintained)} {'do' if maintained[1:] else 'does'} not run"
                )
            if notice:
                self.stdout.write(f"  {notice}")
        sys.exit(EXIT_CODES[status])


def host_of(master: MasterRecord) -> dict[str, Any]:
    """Where one master runs, and how."""
    return {
        "host": master.host,
        "name": master.name,
        "pid": master.pid,
        "status": master.status,
        "maintenance": master.is_in_maintenance,
        "beat_at": master.beat_at,
        "supervisors": {each.name: each.status for each in master.supervisors},
    }
