"""How a master's children are started: forks of a process that has loaded the project already, each with work of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.core.cache import caches
from django.db import connections
from django.utils.module_loading import import_string

from allegro_queue.alerts.process import run_alerts
from allegro_queue.begun import Begun
from allegro_queue.connection import forget_client
from allegro_queue.history.process import run_collector
from allegro_queue.management.alert_facts import alert_sources
from allegro_queue.plan import Plan
from allegro_queue.scheduling.process import run_scheduler
from allegro_queue.supervision.asking import SharedAnswer, run_asking
from allegro_queue.supervision.maintenance import Maintenance
from allegro_queue.supervision.master import SCHEDULER
from allegro_queue.supervision.pool import ProcessPool
from allegro_queue.supervision.process import ChildProcess, fork
from allegro_queue.supervision.supervisor import Supervisor
from allegro_queue.supervisor_options import SupervisorOptions
from allegro_queue.workers.child import run_worker
from allegro_queue.workers.names import new_token, worker_name
from allegro_queue.workers.recycling import Share

SCHEDULER_GRACE = 10.0
COLLECTOR_GRACE = 20.0
ALERTS_GRACE = 30.0
"""Longer than most channels take for a message."""
ASKING_GRACE = 1.0
"""It holds nothing; only a function that hangs keeps it from leaving at once."""


def supervisors_of(plan: Plan, master: str) -> list[Supervisor]:
    """Those of the plan, which start workers when they are told to."""
    return [Supervisor(each, worker_spawner(each, master, isolated_queues(plan, each))) for each in plan.supervisors]


def isolated_queues(plan: Plan, options: SupervisorOptions) -> frozenset[str]:
    """Queues of a supervisor whose jobs each run in a process of their own: as the queue says, else as it says itself."""
    said = {name: each.isolate for name, each in plan.queues.items() if each.isolate is not None}
    return frozenset(queue for queue in options.queue if said.get(queue, options.isolate))


def worker_spawner(
    options: SupervisorOptions, master: str, isolated_queues: frozenset[str]
) -> Callable[[tuple[str, ...], float], ChildProcess]:
    """How a supervisor starts one worker."""

    def spawn(queues: tuple[str, ...], now: float) -> ChildProcess:
        token = new_token()
        begun = Begun()

        def child() -> int:
            forget_client()
            return run_worker(
                queues,
                begun=begun,
                token=token,
                master=master,
                supervisor=options.name,
                share=Share(max_jobs=options.max_jobs, max_time=options.max_time, memory=options.memory),
                isolated_queues=isolated_queues,
            )

        pid = fork(child)
        return ChildProcess(worker_name(pid, token), pid, now, begun=begun)

    return spawn


def singles_of(master: str) -> Mapping[str, ProcessPool]:
    """The children of which one each is kept, by name."""
    return {
        SCHEDULER: single(SCHEDULER, lambda: run_scheduler(master), grace=SCHEDULER_GRACE),
        "collector": single("collector", lambda: run_collector(master), grace=COLLECTOR_GRACE),
        "alerts": single("alerts", lambda: run_alerts(alert_sources(), master), grace=ALERTS_GRACE),
    }


def maintenance_of(path: str) -> Maintenance | None:
    """What keeps asking the project's function whether the application is under maintenance, if there is one."""
    if not path:
        return None
    # Here, so that one that cannot be imported keeps Horizon from starting.
    answers: Callable[[], bool] = import_string(path)

    def ask() -> bool:
        try:
            return answers()
        finally:
            # As after a request; and a connection that broke must not be the next question's.
            connections.close_all()
            caches.close_all()

    answer = SharedAnswer()
    return Maintenance(single("maintenance", lambda: run_asking(ask, answer), grace=ASKING_GRACE), answer)


def single(name: str, run: Callable[[], object], *, grace: float) -> ProcessPool:
    """A pool for one child of a kind."""

    def spawn(now: float) -> ChildProcess:
        def child() -> int:
            forget_client()
            run()
            return 0

        pid = fork(child)
        return ChildProcess(f"{name}.{pid}", pid, now)

    return ProcessPool(spawn, grace=grace)
