"""Ending one worker: the step before, and the word that is sent."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.acting.actions import Told, action, name_of, problem_with_reason, reason_in
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.dashboard.workers.orders import Order, OrdersPage, not_there
from allegro_queue.dashboard.workers.page import WorkerRow, worker_row
from allegro_queue.errors import WorkerNotTold
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.tellings import telling, told_by
from allegro_queue.worker_ends import end_worker as send_word

END, KILL = "end", "kill"


@dataclass(frozen=True, kw_only=True, slots=True)
class EndWorkerPage(OrdersPage):
    """End this worker?"""

    row: WorkerRow


def read_end(pulse: Pulse, name: str) -> EndWorkerPage | Missing:
    """The step before."""
    worker = next((each for each in pulse.workers if each.name == name), None)
    if worker is None:
        return not_there(gettext("There is no worker of this name."), name)
    has_master = worker.master in {each.name for each in pulse.masters}
    return EndWorkerPage(row=worker_row(worker, pulse.at), orders=orders(worker, has_master=has_master))


def orders(worker: WorkerRecord, *, has_master: bool) -> tuple[Order, ...]:
    """What can be done about a worker now.

    Args:
        has_master: whether a Horizon process that reports looks after it.
    """
    if worker.master and not has_master:
        return ()
    found = []
    if worker.state != "leaving":
        found.append(Order(word=END, button=gettext("Have it leave"), consequence=leaving_words(worker), ends=False))
    if worker.master:
        dies = (
            gettext(
                "It dies in the middle of its job, which is tried again if it has tries left, and fails else. "
                "A fresh one takes its place."
            )
            if worker.job_id
            else gettext("It dies at once. A fresh one takes its place.")
        )
        found.append(Order(word=KILL, button=gettext("Kill it now"), consequence=dies, ends=True))
    return tuple(found)


def leaving_words(worker: WorkerRecord) -> str:
    """What becomes of a worker that is told to leave, and who comes after it."""
    if worker.master:
        if worker.job_id:
            return gettext("It finishes its job, then leaves. A fresh one takes its place.")
        return gettext("It has no job, and leaves. A fresh one takes its place.")
    if worker.job_id:
        return gettext("It finishes its job, then leaves. Nobody starts another one.")
    return gettext("It has no job, and leaves. Nobody starts another one.")


@require_safe
def confirm_end_worker(request: HttpRequest, worker: str) -> HttpResponse:
    """End this worker?"""

    def read(stores: Stores, pulse: Pulse) -> EndWorkerPage | Missing:
        return read_end(pulse, worker)

    return render_page(
        request, "horizon/end_worker.html", read, title=gettext("End a worker"), current="workers", every=0
    )


@action(Right.CONTROL_WORKERS)
def end_worker(request: HttpRequest, stores: Stores) -> Told:
    """Leave word with a worker's Horizon process that the worker is to go."""
    name, word = request.POST.get("worker", ""), request.POST.get("word", "")
    if word not in (END, KILL):
        return messages.WARNING, telling("Nothing was sent: a worker cannot be told {word}.", word=repr(word[:20]))
    if problem := problem_with_reason(request, needed=True):
        return messages.WARNING, problem
    try:
        worker = send_word(stores, name, by=name_of(request), reason=reason_in(request), kill=word == KILL)
    except WorkerNotTold as error:
        return messages.WARNING, telling("Nothing was sent: {problem}", problem=told_by(error))
    if word == KILL:
        text = gettext_noop("{master} was told to kill worker {pid} on {host}; it hears it within a second.")
    elif worker.job_id:
        text = gettext_noop("Worker {pid} on {host} was told to leave once its job has ended.")
    else:
        text = gettext_noop("Worker {pid} on {host} was told to leave.")
    return messages.SUCCESS, telling(text, master=worker.master, pid=str(worker.pid), host=worker.host)


PAGES: list[tuple[str, View, str]] = [
    ("workers/<path:worker>/end/", confirm_end_worker, "confirm_end_worker"),
    ("actions/end-worker/", end_worker, "end_worker"),
]
