"""What can be done from the pages. Each is a POST with one effect, a message, and a way back to a page of ours."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST
from redis.exceptions import NoPermissionError

from allegro_queue.access import View, rights_of, token_name, without_right
from allegro_queue.activity.journal import Deed, note
from allegro_queue.activity.models import Activity
from allegro_queue.bulk.subjects import LONGEST_PART, all_jobs, these_jobs
from allegro_queue.connection import UNREACHABLE
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.acting.pause_page import MOST_MINUTES
from allegro_queue.errors import QueueUnavailable
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.spans import lasting
from allegro_queue.storable import storable
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.tellings import Telling, in_a_list, telling, told_by, verbatim

SUBJECTS = (
    ("queue", gettext_noop("queue {name}")),
    ("to", gettext_noop("to {name}")),
    ("minutes", gettext_noop("minutes {name}")),
    ("entry", gettext_noop("entry {name}")),
    ("q", gettext_noop("with {name}")),
    ("name", gettext_noop("name {name}")),
    ("tag", gettext_noop("tag {name}")),
    ("text", gettext_noop("words {name}")),
    ("exception", gettext_noop("error {name}")),
    ("fingerprint", gettext_noop("group {name}")),
    ("group", gettext_noop("failure group {name}")),
    ("tenant", gettext_noop("tenant {name}")),
    ("word", gettext_noop("told {name}")),
    ("master", gettext_noop("Horizon process {name}")),
    ("worker", gettext_noop("worker {name}")),
    ("batch", gettext_noop("batch {name}")),
    ("per_minute", gettext_noop("per minute {name}")),
    ("run", gettext_noop("run {name}")),
    ("token", gettext_noop("token {name}")),
    ("rule", gettext_noop("rule {name}")),
    ("channel", gettext_noop("channel {name}")),
)
"""Fields of the forms that say what an action is about, and how the journal names what stands in each."""

NOT_KNOWN = telling("Redis did not answer, so it is not known what was done. Look at the list before trying again.")

NOT_ALLOWED = telling("Redis does not let the user that the dashboard has there do this (its ACL).")

ACTIONS_AT = "actions/"
"""Start of the address of every action, which a reader must not be led back to."""

Told = tuple[int, Telling]
"""Level and text of a message, which the person reads in their language, and everybody who reads the journal in theirs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What came of an action, where there is more to say than a message."""

    level: int
    text: Telling
    next: str = ""
    """Address of the page to go on to; empty: the one that the form names."""
    run_id: int | None = None
    """The run over many jobs that it was about."""


Act = Callable[[HttpRequest, Stores], Told | Done]

ACTS: dict[Callable[[HttpRequest], HttpResponse], tuple[Right | Callable[[HttpRequest], Right], Act]] = {}
"""Right and act of each view of an action: for the API, which does the same as the pages."""


def action(
    right: Right | Callable[[HttpRequest], Right],
) -> Callable[[Act], Callable[[HttpRequest], HttpResponse]]:
    """A view of an action: POST only, for those with the right; says what came of it, also when Redis does not answer,
    notes it, and leads back."""

    def decorate(act: Act) -> Callable[[HttpRequest], HttpResponse]:
        @require_POST
        @functools.wraps(act)
        def view(request: HttpRequest) -> HttpResponse:
            needed = right if isinstance(right, Right) else right(request)
            if needed not in rights_of(request):
                return without_right(request, needed)
            done = carry_out(act, request)
            messages.add_message(request, done.level, done.text.words)
            return HttpResponseRedirect(done.next or own_page(request.POST.get("next", "")))

        ACTS[view] = right, act
        return view

    return decorate


def carry_out(act: Act, request: HttpRequest) -> Done:
    """Act, and note who did what; also when Redis does not answer."""
    try:
        # What an act writes down beside its telling is read by everybody, so it is in one language.
        with translation.override("en"):
            told = act(request, open_stores())
    except NoPermissionError:
        told = messages.ERROR, NOT_ALLOWED
    except (*UNREACHABLE, QueueUnavailable) as error:
        told = messages.ERROR, NOT_ALLOWED if isinstance(error.__cause__, NoPermissionError) else NOT_KNOWN
    done = told if isinstance(told, Done) else Done(level=told[0], text=told[1])
    deed = deed_of(request, act.__name__, done.text, succeeded=done.level == messages.SUCCESS)
    note(replace(deed, run_id=done.run_id))
    return done


def deed_of(
    request: HttpRequest, action: str, outcome: Telling, *, succeeded: bool, subject: Telling | None = None
) -> Deed:
    """What the person behind this request did, for the journal.

    Args:
        subject: what it was about, where the fields of the form do not say.
    """
    return Deed(
        at=time.time(),
        who=name_of(request),
        via=via_of(request),
        action=action.replace("_", " "),
        subject=subject or subject_of(request.POST),
        reason=reason_in(request),
        outcome=outcome,
        succeeded=succeeded,
        address=request.META.get("REMOTE_ADDR"),
        user_id=request.user.pk if request.user.is_authenticated else None,
    )


def subject_of(given: QueryDict) -> Telling:
    """What it was about, from what the form named."""
    parts = [telling(words, name=given.get(key, "")[:LONGEST_PART]) for key, words in SUBJECTS if given.get(key)]
    if ids := given.getlist("id"):
        parts.insert(0, these_jobs(ids))
    if given.get("all") == "1":
        parts.insert(0, all_jobs(given.get("state") or "failed"))
    return in_a_list(*parts) if parts else verbatim("")


@action(Right.PAUSE)
def pause(request: HttpRequest, stores: Stores) -> Told:
    """Stop handing out the jobs of a queue, until resumed or for some minutes."""
    queue = request.POST.get("queue", "")
    if queue != ALL_QUEUES and queue not in all_queues():
        return messages.WARNING, telling("There is no queue {queue}, so nothing was paused.", queue=repr(queue[:200]))
    if problem := problem_with_reason(request, needed=True):
        return messages.WARNING, problem
    try:
        span = minutes_in(request.POST.get("minutes", "").strip())
    except ValueError as error:
        return messages.WARNING, nothing_done(error)
    now = time.time()
    until = now + 60 * span if span else None
    stores.pauses.pause(Pause(queue=queue, since=now, until=until, by=name_of(request), reason=reason_in(request)))
    return messages.SUCCESS, telling(paused_words(queue, span), queue=queue, time=lasting(60 * span))


def paused_words(queue: str, minutes: int) -> str:
    if queue == ALL_QUEUES:
        if minutes:
            return gettext_noop("Paused all queues for {time}. Running jobs finish; new ones pile up.")
        return gettext_noop("Paused all queues until somebody resumes them. Running jobs finish; new ones pile up.")
    if minutes:
        return gettext_noop("Paused {queue} for {time}. Running jobs finish; new ones pile up.")
    return gettext_noop("Paused {queue} until somebody resumes it. Running jobs finish; new ones pile up.")


@action(Right.PAUSE)
def resume(request: HttpRequest, stores: Stores) -> Told:
    """Hand out the jobs of a queue again."""
    queue = request.POST.get("queue", "")
    is_all = queue == ALL_QUEUES
    if stores.pauses.resume(queue):
        text = gettext_noop("Resumed all queues.") if is_all else gettext_noop("Resumed {queue}.")
        return messages.SUCCESS, telling(text, queue=queue)
    if not queue:
        return messages.INFO, telling("That queue is not paused (any more).")
    text = (
        gettext_noop("There is no pause of all queues (any more).")
        if is_all
        else gettext_noop("{queue} is not paused (any more).")
    )
    return messages.INFO, telling(text, queue=queue[:200])


def reason_in(request: HttpRequest) -> str:
    """Why, as the form says it."""
    return storable(request.POST.get("reason", "")).strip()


def problem_with_reason(request: HttpRequest, *, needed: bool = False) -> Telling | None:
    """What is wrong with the reason that the form brings; ``None`` when nothing is."""
    reason = reason_in(request)
    if len(reason) > LONGEST_REASON or (needed and not reason):
        return telling("Nothing was done: give a reason of up to {most} characters.", most=LONGEST_REASON)
    return None


def nothing_done(problem: Exception) -> Telling:
    """The message where something stood in the way; it says what in a sentence of its own."""
    return telling("Nothing was done: {problem}", problem=told_by(problem))


def minutes_in(text: str) -> int:
    """Minutes as a form gives them; nought for none.

    Raises:
        ValueError: they are no whole number, or too many; the message is a telling.
    """
    span = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if text and not 1 <= span <= MOST_MINUTES:
        raise ValueError(
            telling(
                "the minutes are {given}; give a whole number from 1 to {most}, or nothing to pause until somebody resumes.",
                given=repr(text[:20]),
                most=MOST_MINUTES,
            )
        )
    return span


def name_of(request: HttpRequest) -> str:
    """Who did it, for those who read it later."""
    token = token_name(request)
    if request.user.is_authenticated:
        name = request.user.get_username()
        return f"{name} (token {token})" if token else name
    return f"token {token}" if token else "somebody on this machine"


def via_of(request: HttpRequest) -> Activity.Via:
    """By what it was done."""
    return Activity.Via.TOKEN if token_name(request) else Activity.Via.PAGE


def own_page(given: str) -> str:
    """The address if it is one of the dashboard's pages, else the job list: nobody is sent elsewhere by a link."""
    fallback = reverse("horizon:jobs")
    try:
        parts = urlsplit(given)
        if parts.scheme or parts.netloc or "\\" in given or not given.isprintable():
            return fallback
        match = resolve(parts.path)
    except (ValueError, Resolver404):
        return fallback
    if match.app_name != "horizon" or f"/{ACTIONS_AT}" in f"/{match.route}" or "api/" in match.route:
        return fallback
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


ACTIONS: list[tuple[str, View, str]] = [
    ("actions/pause/", pause, "pause"),
    ("actions/resume/", resume, "resume"),
]
