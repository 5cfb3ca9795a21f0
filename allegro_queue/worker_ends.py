"""Ending one worker: who is to be told, and the word that is sent. For the pages and the commands.

Nobody is signalled from here: the process that asks may be on another host. The worker's master hears the word in Redis.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop

from allegro_queue.errors import WorkerNotTold, nearest
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.tellings import Telling, telling


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
        asked = name[:200]
        raise WorkerNotTold(unknown_words(asked, [each.name for each in stores.workers.living()]))
    if not worker.master:
        if kill:
            raise WorkerNotTold(
                telling(
                    "{name} was started by hand, so that nobody can kill it from here: end process {pid} on {host}.",
                    name=name,
                    pid=str(worker.pid),
                    host=worker.host,
                )
            )
        stores.controls.shut_down(name)
    elif worker.master not in {each.name for each in stores.masters.living()}:
        raise WorkerNotTold(
            telling(
                "{master}, which looks after {name}, does not report, so that nobody would hear.",
                master=worker.master,
                name=name,
            )
        )
    else:
        control = Control.KILL if kill else Control.TERMINATE
        stores.controls.instruct(worker.master, Instruction(control=control, worker=name, by=by, reason=reason))
    return worker


def unknown_words(name: str, living: Sequence[str]) -> Telling:
    """That there is no such worker, with the nearest that there is."""
    near = nearest(name, living)
    text = (
        gettext_noop("There is no worker {name} (any more); did you mean {near}?")
        if near
        else gettext_noop("There is no worker {name} (any more); known are {known}.")
        if living
        else gettext_noop("There is no worker {name} (any more).")
    )
    return telling(text, name=repr(name), near=repr(near), known=", ".join(map(repr, sorted(living))))
