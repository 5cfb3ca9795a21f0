"""``manage.py horizon_schedule``: the cron table; ``run``, ``pause`` and ``resume`` act on one entry."""

from __future__ import annotations

import getpass
import time
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.timezone import get_default_timezone, get_default_timezone_name
from django.utils.translation import gettext_noop

from allegro_queue.durations import seconds_in
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.tables import plain
from allegro_queue.scheduling.by_hand import pause_entry, resume_entry, run_by_hand
from allegro_queue.scheduling.table import Fault, ScheduleRow, faults_in, rows_of
from allegro_queue.spans import lasting
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Account
from allegro_queue.stores.scheduler_record import SchedulerRecord
from allegro_queue.tellings import telling

HEAD = ["NAME", "WHEN", "IN WORDS", "QUEUE", "JOB", "NEXT RUN", "LAST RUN", "RESULT", "MISSED", "SKIPPED"]


class Command(RedisCommand):
    help = (
        "Show each cron entry with its next and its last run. 'run NAME' queues one now and prints the job's id; "
        "'pause NAME' skips its times, 'resume NAME' ends that."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "action", nargs="?", choices=["list", "run", "pause", "resume"], default="list", help="list is the default"
        )
        parser.add_argument("name", nargs="?", metavar="NAME", help="the entry to run, pause or resume")
        parser.add_argument("--for", dest="duration", help="with pause: resume by itself after 30s, 15m, 2h or 1d")
        parser.add_argument("--reason", default="", help="with pause: why, for those who see it skipped")
        parser.add_argument("--json", action="store_true", help="print JSON; times are Unix seconds")

    def run(self, stores: Stores, **options: Any) -> None:
        now = time.time()
        action, name = options["action"], options["name"]
        if action == "list":
            self.list_entries(stores, now, as_json=options["json"])
            return
        if not name:
            raise CommandError(f"{action} needs the NAME of an entry; horizon_schedule without an action lists them.")
        if action == "run":
            done = {"job_id": run_by_hand(stores, name, now, getpass.getuser())}
            outcome = telling("Queued a run of {name}, as job {job_id}.", name=name, job_id=done["job_id"])
            self.note("run entry", telling("entry {name}", name=name), outcome)
            self.tell(done, done["job_id"], **options)
        elif action == "pause":
            until = now + seconds_in(options["duration"]) if options["duration"] else None
            pause_entry(stores, name, now, until=until, by=getpass.getuser(), reason=options["reason"])
            outcome = telling(
                gettext_noop("{name} is paused for {time}; its times are skipped.")
                if until
                else gettext_noop("{name} is paused until somebody resumes it; its times are skipped."),
                name=name,
                time=lasting(until - now if until else 0),
            )
            self.note("pause entry now", telling("entry {name}", name=name), outcome, reason=options["reason"])
            self.tell({"paused": name, "until": until}, outcome.english, **options)
        else:
            was = resume_entry(stores, name, now)
            text = gettext_noop("{name} is resumed.") if was else gettext_noop("{name} was not paused.")
            outcome = telling(text, name=name)
            self.note("resume entry now", telling("entry {name}", name=name), outcome, succeeded=was)
            self.tell({"resumed": was}, outcome.english, **options)

    def tell(self, data: dict[str, Any], words: str, **options: Any) -> None:
        """What was done, for people or for a program."""
        if options["json"]:
            self.print_json(data)
        else:
            self.stdout.write(words)

    def list_entries(self, stores: Stores, now: float, *, as_json: bool) -> None:
        """The table."""
        known = stores.entries.known(now)
        rows, faults = rows_of(stores, known, now), faults_in(known)
        if as_json:
            accounts = stores.entries.accounts([row.entry.name for row in rows])
            self.print_json(
                [as_data(row, accounts[row.entry.name]) for row in rows] + [plain(asdict(each)) for each in faults]
            )
            return
        if not rows and not faults:
            self.stdout.write("HORIZON['schedule'] has no entry, and the database neither.")
            return
        results = results_of(stores, rows)
        self.print_table(HEAD, [cells(row, results[row.entry.name]) for row in rows])
        for note in [*map(fault_note, faults), *(note for row in rows for note in notes_on(row))]:
            self.stdout.write(note)
        self.stdout.write(f"Times are in {get_default_timezone_name()}.")
        self.stdout.write(leader_note(stores.schedulers.leader(), stores.schedulers.standing_by()))


def results_of(stores: Stores, rows: list[ScheduleRow]) -> dict[str, str]:
    """What became of each entry's last time, by its name: RQ's word for its job, or why none was queued."""
    last = {row.entry.name: row.last for row in rows}
    jobs = [each.job_id for each in last.values() if each and each.job_id and not each.result]
    statuses = {job.id: job.status for job in stores.jobs.rows(jobs)}
    return {name: "" if each is None else result_of(each, statuses) for name, each in last.items()}


def result_of(account: Account, statuses: dict[str, str]) -> str:
    """How one time ended, in a few words."""
    if not account.job_id:
        return f"{account.what}: {account.reason}"
    # Finished jobs are forgotten after a while.
    return account.result or statuses.get(account.job_id, "no longer listed")


def cells(row: ScheduleRow, result: str) -> list[str]:
    """One line of the table."""
    next_run = (
        clock(row.next_at) if row.next_at is not None else "not installed" if row.entry.enabled else "not enabled"
    )
    late = f" ({row.late_seconds:.0f} s late)" if row.late_seconds >= 2 else ""
    return [
        row.entry.name,
        row.line,
        row.in_words,
        row.entry.queue,
        row.entry.job,
        next_run + late,
        clock(row.last.due_at) if row.last else "never",
        result or "-",
        str(row.state.missed),
        str(row.state.skipped),
    ]


def notes_on(row: ScheduleRow) -> list[str]:
    """What does not fit into the table."""
    notes = []
    if row.pause is not None:
        until = f"until {clock(row.pause.until)}" if row.pause.until is not None else "until somebody resumes it"
        by = f" by {row.pause.by}" if row.pause.by else ""
        reason = f": {row.pause.reason}" if row.pause.reason else ""
        notes.append(f"{row.entry.name} is paused {until}{by}{reason}.")
    if row.clash:
        notes.append(f"{row.entry.name} is in the database too; the entry in the settings is the one that runs.")
    if row.entry.source == "database":
        notes.append(f"{row.entry.name} was made in admin.")
    return notes


def fault_note(fault: Fault) -> str:
    return f"{fault.name} (made in admin) does not run: {fault.fault}"


def leader_note(record: SchedulerRecord | None, standing_by: int) -> str:
    """Who runs the schedule, and who would if that one died."""
    if record is None:
        return "No scheduler is running. Start one: manage.py horizon, or manage.py rqscheduler"
    others = f"{standing_by} others stand by" if standing_by > 1 else f"{standing_by or 'No'} other stands by"
    return f"Led by {record.host}, process {record.pid}, since {clock(record.leads_since)}. {others}."


def as_data(row: ScheduleRow, accounts: list[Account]) -> dict[str, Any]:
    """One row for a program."""
    return {
        "name": row.entry.name,
        "cron": row.entry.cron,
        "every": row.entry.every,
        "zone": row.zone,
        "in_words": row.in_words,
        "queue": row.entry.queue,
        "job": row.entry.job,
        "overlap": row.entry.overlap,
        "missed_rule": row.entry.missed,
        "enabled": row.entry.enabled,
        "source": row.entry.source,
        "clash": row.clash,
        "next_at": row.next_at,
        "coming": row.coming(),
        "late_seconds": row.late_seconds,
        "runs": row.state.runs,
        "missed": row.state.missed,
        "skipped": row.state.skipped,
        "error": row.state.error,
        "paused": asdict(row.pause) if row.pause else None,
        "last": plain(asdict(row.last)) if row.last else None,
        "accounts": [plain(asdict(each)) for each in accounts],
    }


def clock(moment: float) -> str:
    """A moment in Django's time zone."""
    return datetime.fromtimestamp(moment, get_default_timezone()).strftime("%Y-%m-%d %H:%M:%S")
