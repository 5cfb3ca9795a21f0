"""Telling a Horizon process what to do: the step before, and the word that is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.acting.actions import Told, action, problem_with_reason
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.dashboard.workers.orders import Order, OrdersPage, not_there
from allegro_queue.dashboard.workers.page import master_state
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control
from allegro_queue.stores.masters import MasterRecord
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling, telling_of

WORDS: Mapping[Control, tuple[str, str]] = {
    Control.PAUSE: (
        gettext_noop("Pause its workers"),
        gettext_noop("They finish their jobs and take no other until it is told to go on."),
    ),
    Control.CONTINUE: (gettext_noop("Let its workers go on"), gettext_noop("They take jobs again.")),
    Control.RESTART: (
        gettext_noop("Restart its workers"),
        gettext_noop("Each finishes its job and is replaced by a new one with the same code."),
    ),
    Control.TERMINATE: (
        gettext_noop("Have it leave"),
        gettext_noop(
            "Its workers finish their jobs, then it ends. It comes back only if something on the host starts it again."
        ),
    ),
}
"""Button and consequence by word."""

TOLD: Mapping[Control, str] = {
    Control.PAUSE: gettext_noop("{name} was told to pause; it hears it within a second. It has {workers}."),
    Control.CONTINUE: gettext_noop("{name} was told to continue; it hears it within a second. It has {workers}."),
    Control.RESTART: gettext_noop("{name} was told to restart; it hears it within a second. It has {workers}."),
    Control.TERMINATE: gettext_noop("{name} was told to terminate; it hears it within a second. It has {workers}."),
}
"""What is said once the word is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlPage(OrdersPage):
    """Tell this process something?"""

    master: MasterRecord
    status_word: str
    workers: int
    busy: int


def read_control(pulse: Pulse, name: str) -> ControlPage | Missing:
    """The step before."""
    master = next((each for each in pulse.masters if each.name == name), None)
    if master is None:
        return not_there(gettext("There is no Horizon process of this name."), name)
    mine = [each for each in pulse.workers if each.master == name]
    return ControlPage(
        master=master,
        status_word=master_state(master.status).word.lower(),
        workers=len(mine),
        busy=sum(1 for each in mine if each.state == "busy"),
        orders=tuple(
            Order(
                word=word.value,
                button=gettext(button),
                consequence=gettext(consequence),
                ends=word is Control.TERMINATE,
            )
            for word, (button, consequence) in WORDS.items()
            if word in possible(master)
        ),
    )


def possible(master: MasterRecord) -> frozenset[Control]:
    """What a process in this state can be told."""
    if master.status == "leaving":
        return frozenset()
    paused = master.status == "paused"
    return frozenset(WORDS) - {Control.PAUSE if paused else Control.CONTINUE}


@require_safe
def confirm_control(request: HttpRequest, master: str) -> HttpResponse:
    """Tell this process something?"""

    def read(stores: Stores, pulse: Pulse) -> ControlPage | Missing:
        return read_control(pulse, master)

    return render_page(request, "horizon/control.html", read, title=gettext("Control"), current="workers", every=0)


@action(Right.CONTROL_WORKERS)
def control(request: HttpRequest, stores: Stores) -> Told:
    """Leave a word for a Horizon process."""
    name, word = request.POST.get("master", ""), request.POST.get("word", "")
    master = next((each for each in stores.masters.living() if each.name == name), None)
    if master is None:
        return messages.WARNING, telling(
            "There is no Horizon process {name} (any more), so nothing was sent.", name=repr(name[:200])
        )
    if word not in possible(master):
        return messages.WARNING, telling(
            "Nothing was sent: {name} is {state} and cannot be told {word}.",
            name=name,
            state=master.status,
            word=repr(word[:20]),
        )
    if problem := problem_with_reason(request, needed=True):
        return messages.WARNING, problem
    stores.controls.send(name, Control(word))
    held = sum(len(each.workers) for each in master.supervisors)
    return messages.SUCCESS, telling(
        TOLD[Control(word)], name=name, workers=telling_of("{n} worker", "{n} workers", held)
    )


PAGES: list[tuple[str, View, str]] = [
    ("workers/<path:master>/control/", confirm_control, "confirm_control"),
    ("actions/control/", control, "control"),
]
