"""Ending one worker: who is to be told, and the word that is sent. For the pages and the commands.

Nobody is signalled from here: the process that asks may be on another host. The worker's master hears the word in Redis.
"""

from __future__ import annotations

from allegro_queue.errors import WorkerNotTold, did_you_mean
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.workers import WorkerRecord


def end_worker(stores: Stores, name: str, *, by: str, reason: str = "", kill: bool = False) -> WorkerRecord:
    """Have a worker leave after its job, or killed at once; its master starts a fresh one in its place.

    Args:
        by: who asks, for the reason of a killed job.
        kill: do not wait for its job, which is then settled: tried again if it has tries left, else failed.

    Returns:
        what the worker last said of itself.

    Raises:
        WorkerNotTold: there is nobody to tell; the message says why.
    """
    worker = stores.workers.get(name)
    if worker is None:
        living = [each.name for each in stores.workers.living()]
        asked = name[:200]
        raise WorkerNotTold(f"There is no worker {asked!r} (any more){did_you_mean(asked, living) if living else '.'}")
    if not worker.master:
        if kill:
            raise WorkerNotTold(
                f"{name} was started by hand, so that nobody can kill it from here: end process {worker.pid} on {worker.host}."
            )
        stores.controls.shut_down(name)
    elif worker.master not in {each.name for each in stores.masters.living()}:
        raise WorkerNotTold(f"{worker.master}, which looks after {name}, does not report, so that nobody would hear.")
    else:
        control = Control.KILL if kill else Control.TERMINATE
        stores.controls.instruct(worker.master, Instruction(control=control, worker=name, by=by, reason=reason))
    return worker
