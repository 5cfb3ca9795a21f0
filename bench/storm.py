"""Whether jobs are lost, doubled or misjudged when processes die and Redis is in trouble, in long storms.

    python bench/storm.py [A2 B1 ...]

Every storm has a Redis server of its own, which keeps its data, real trees of processes, and a ledger outside Redis in
which each job writes when it starts and when it ends. Afterwards the accounts are settled: every job that was
acknowledged must have ended in one way, have run as often as it may, and be judged right. Short forms of the same storms
are tests (``tests/acceptance/test_storms_of_*.py``). The last result is kept in ``bench/results/storm.md``; a run of some
storms replaces their lines alone. About half an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from allegro.dev.valkey import engine_of, server_binary  # noqa: E402

RESULT = HERE / "results" / "storm.md"
ROWS = HERE / "results" / "storm.json"
SEED = 7

WORKERS_POINTS = [
    "before-stores.steps.StepStore._send:1",
    "after-stores.steps.StepStore._send:1",
    "before-stores.steps.StepStore._send:2",
    "before-workers.filing.FilingWorker.handle_job_failure:3",
    "before-workers.worker.HorizonWorker.be_born:1",
]
MASTERS_POINTS = ["before-stores.masters.MasterStore.write:3", "after-stores.workload.WorkloadStore.read:2"]
"""Some round trips; a test attacks all of a worker's, one worker at a time."""


def storms() -> dict[str, list[Callable[..., Any]]]:
    from tests.support.storms import kills as k
    from tests.support.storms import outages as o

    at_random = k.kills_at_random
    return {
        "A1": [
            partial(k.faults_in_a_tree, points=WORKERS_POINTS, target="self"),
            partial(k.faults_in_a_tree, points=WORKERS_POINTS, target="parent"),
            partial(k.faults_in_a_tree, points=WORKERS_POINTS[1:3], target="group"),
            partial(k.faults_in_a_tree, points=MASTERS_POINTS, target="self", in_master=True),
        ],
        "A2": [partial(at_random, id="A2", kills=600, every=0.15, trees=3)],
        "A3": [partial(at_random, id="A3", kills=200, every=0.15, groups=False)],
        "A4": [partial(at_random, id="A4", kills=500, every=0.12, number=signal.SIGTERM, groups=False)],
        "A5": [
            partial(k.arrivals_at_dying_workers, rounds=100, number=each) for each in (signal.SIGKILL, signal.SIGTERM)
        ],
        "A6": [k.killed_job_process],
        "A7": [k.long_job_of_a_killed_worker],
        "A8": [partial(k.stopped_worker, seconds=90)],
        "A9": [k.hangs],
        "A10": [k.poison],
        "A11": [partial(k.term_to_the_tree, seconds=10)],
        "A12": [partial(k.rolling_restarts, rounds=5)],
        "A13": [k.impatient_stop],
        "A14": [k.killed_master],
        "A15": [k.workers_that_die_at_boot],
        "A16": [k.full_disk],
        "A17": [partial(k.strict_order_under_kills, each=500)],
        "B1": [
            partial(o.killed_server, times=4, down=1, every=6, fsync="always"),
            partial(o.killed_server, times=3, down=15, every=3, fsync="always"),
            partial(o.killed_server, times=4, down=1, every=6, fsync="everysec"),
        ],
        "B2": [partial(o.stopped_server, seconds=20), partial(o.stopped_server, seconds=120)],
        "B3": [partial(o.paused_clients, seconds=20)],
        "B4": [o.lost_replies, o.lost_replies_of_a_scheduler],
        "B5": [partial(o.cut_off_worker, seconds=60)],
        "B6": [partial(o.reset_connections, seconds=60)],
        "B7": [
            partial(o.refusals, id="B7", what="maxmemory at 90 % of use, 12 s", refusing=o.out_of_memory, seconds=12)
        ],
        "B8": [
            partial(o.refusals, id="B8", what="min-replicas-to-write 5, 12 s", refusing=o.too_few_replicas, seconds=12),
            partial(o.refusals, id="B8", what="a disk that fails (MISCONF), 12 s", refusing=o.disk_that_fails, seconds=12),
        ],
        "B14": [partial(o.late_server, seconds=30)],
        "B15": [o.another_connection],
    }  # fmt: skip


def configure(folder: Path) -> None:
    """Settings for this process and for those that it starts; whatever the environment has must not leak in."""
    for name in [each for each in os.environ if each.startswith(("REDIS_", "HORIZON_", "RQ_"))]:
        del os.environ[name]
    os.environ.update(
        DJANGO_SETTINGS_MODULE="allegro.settings",
        ENV_FILE="/dev/null",
        APP_ENV="local",
        DEBUG="false",
        SECRET_KEY="only-for-storms",
        REDIS_URL=f"unix://{folder / 'none.sock'}",
        DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}",
        QUEUE_CONNECTION="redis",
        HORIZON_ALLOWED_JOBS="allegro,allegro_queue,tests",
        LOG_LEVEL="ERROR",
    )
    import django

    django.setup()


def run(storm: Callable[..., Any], folder: Path) -> dict[str, Any]:
    """One storm on a ground of its own, as a row of the report."""
    from tests.support.storms.ground import open_ground

    began = time.monotonic()
    try:
        with open_ground(folder, SEED) as ground:
            outcome = storm(ground)
    except Exception as error:  # noqa: BLE001 - the other storms go on
        traceback.print_exc()
        return {"what": str(storm), "verdict": f"**broken off**: {(str(error) or repr(error)).splitlines()[0][:200]}"}
    accounts = outcome.accounts
    faults = accounts.faults()
    return {
        "what": outcome.what,
        "acked": accounts.acked,
        "errors": outcome.errors,
        "finished": accounts.finished,
        "failed": accounts.failed,
        "lost": len(accounts.lost) + accounts.pending,
        "doubled": len(accounts.doubled) + len(accounts.unasked),
        "overlapping": len(accounts.overlapping),
        "wrong": len(accounts.wrong),
        "cut": len(accounts.cut_short),
        "unstarted": len(accounts.never_ran),
        "figures": outcome.figures,
        "seconds": round(time.monotonic() - began),
        "verdict": "as promised" if not faults else ", ".join(sorted(faults)),
    }


COLUMNS = {
    "acked": "acked", "errors": "raised", "finished": "finished", "failed": "failed", "lost": "lost",
    "doubled": "doubled", "wrong": "wrong verdicts", "cut": "killed after the last line",
    "unstarted": "killed before the first line",
}  # fmt: skip


def report(rows: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        "# Storms",
        "",
        f"`python bench/storm.py`, {datetime.now(UTC):%Y-%m-%d}, {engine_of(server_binary())}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores shared with other work, seed {SEED}.",
        "",
        "*Raised*: calls of `dispatch` that were told that nothing, or perhaps nothing, was queued. *Lost*: acknowledged and "
        "neither finished nor failed in the end. *Doubled*: started more often than they have tries. *Wrong verdicts*: "
        "failed although they came to their end, or finished although they never did. Jobs killed between their last line "
        "and the record of it are failed as lost with their worker, and counted apart: nobody can know.",
        "",
        "| id | storm | " + " | ".join(COLUMNS.values()) + " | other figures | verdict |",
        "| --- | --- |" + " --- |" * (len(COLUMNS) + 2),
    ]
    for id in sorted(rows, key=lambda each: (each[0], int(each[1:]))):
        for row in rows[id]:
            figures = "; ".join(f"{name} {value}" for name, value in row.get("figures", {}).items())
            cells = [str(row.get(column, "")) for column in COLUMNS]
            lines.append(f"| {id} | {row['what']} | {' | '.join(cells)} | {figures} | {row['verdict']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "ids", nargs="*", help="storms to run, such as A2, or a letter for all of its kind (default: all)"
    )
    ids = parser.parse_args().ids
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    try:
        configure(folder)
        for id, several in storms().items():
            if ids and id not in ids and id[0] not in ids:
                continue
            found = []
            for number, storm in enumerate(several):
                row = run(storm, folder / f"{id}-{number}")
                print(id, json.dumps(row), flush=True)
                found.append(row)
            rows = json.loads(ROWS.read_text()) if ROWS.exists() else {}
            ROWS.write_text(json.dumps({**rows, id: found}, indent=1) + "\n")
            RESULT.write_text(report({**rows, id: found}), encoding="utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
