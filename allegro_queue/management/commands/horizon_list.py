"""``manage.py horizon_list``: masters, their supervisors and workers."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from allegro_queue.management.pause_words import pause_in_words
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.tables import plain
from allegro_queue.stores import Stores
from allegro_queue.stores.masters import SupervisorRecord


class Command(RedisCommand):
    help = "List every living master with its supervisors, and every living worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, stores: Stores, **options: Any) -> None:
        masters, workers = stores.masters.living(), stores.workers.living()
        if options["json"]:
            self.print_json(
                {
                    "masters": [plain(asdict(each)) for each in masters],
                    "workers": [plain(asdict(each)) for each in workers],
                }
            )
            return
        if not masters:
            self.stdout.write("No Horizon process is running. Start one: manage.py horizon")
        for master in masters:
            self.stdout.write(f"{master.host}  {master.name}  pid {master.pid}  {master.status}  {master.environment}")
            for each in master.supervisors:
                self.say(each)
        if workers:
            self.stdout.write("")
            self.print_table(
                ["WORKER", "STATE", "DONE", "FAILED", "JOB"],
                [[each.name, each.state, str(each.done), str(each.failed), each.job_name or "-"] for each in workers],
            )

    def say(self, supervisor: SupervisorRecord) -> None:
        """One supervisor with its pools."""
        fewest = supervisor.min_processes * (len(supervisor.queue) if supervisor.balance else 1)
        most = supervisor.max_processes
        limits = f" ({fewest} to {most})" if fewest < most and supervisor.balance != "simple" else ""
        queues = (", " if supervisor.balance else " > ").join(supervisor.queue)
        balance = f"  balance: {supervisor.balance}" if supervisor.balance else ""
        status = f"{supervisor.status}, maintenance mode" if supervisor.maintenance else supervisor.status
        trouble = f"  ({supervisor.trouble})" if supervisor.trouble else ""
        self.stdout.write(
            f"  {supervisor.name}  {status}  {len(supervisor.workers)} of {supervisor.wanted} workers{limits}"
            f"  {queues}{balance}{trouble}"
        )
        if supervisor.pause_by or supervisor.pause_reason:
            words = pause_in_words(by=supervisor.pause_by, reason=supervisor.pause_reason, until=supervisor.pause_until)
            self.stdout.write(f"    {words}")
        if not supervisor.balance:
            if supervisor.explanation:
                self.stdout.write(f"    {supervisor.explanation}")
            return
        for pool in supervisor.pools:
            explanation = f"  {pool.explanation}" if pool.explanation else ""
            self.stdout.write(f"    {', '.join(pool.queue)}  {pool.workers} of {pool.wanted}{explanation}")
