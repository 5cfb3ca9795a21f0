"""``manage.py horizon_list``: masters, their supervisors and workers."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.stores import Stores


class Command(RedisCommand):
    help = "List every living master with its supervisors, and every living worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, stores: Stores, **options: Any) -> None:
        masters, workers = stores.masters.living(), stores.workers.living()
        if options["json"]:
            self.print_json(
                {"masters": [asdict(each) for each in masters], "workers": [asdict(each) for each in workers]}
            )
            return
        if not masters:
            self.stdout.write("No Horizon process is running. Start one: manage.py horizon")
        for master in masters:
            self.stdout.write(f"{master.name}  pid {master.pid}  {master.status}  {master.environment}")
            for each in master.supervisors:
                trouble = f"  ({each.trouble})" if each.trouble else ""
                queues = " > ".join(each.queue)
                self.stdout.write(
                    f"  {each.name}  {each.status}  {len(each.workers)} of {each.wanted} workers  {queues}{trouble}"
                )
        if workers:
            self.stdout.write("")
            self.print_table(
                ["WORKER", "STATE", "DONE", "FAILED", "JOB"],
                [[each.name, each.state, str(each.done), str(each.failed), each.job_name or "-"] for each in workers],
            )
