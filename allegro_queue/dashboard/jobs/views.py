"""The pages of jobs, and the step before acting on them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View, rights_of, wants_fragment
from allegro_queue.connection import UNREACHABLE
from allegro_queue.dashboard.acting.actions import name_of
from allegro_queue.dashboard.jobs.count_page import CountPage, read_count
from allegro_queue.dashboard.jobs.pages import JobsPage, read_jobs
from allegro_queue.dashboard.jobs.query import only_word, read_query, without_words
from allegro_queue.dashboard.page.links import link, link_to
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.history.patience import TookTooLong, patience
from allegro_queue.history.runs import runs_of_job
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.jobs import is_job_id
from allegro_queue.stores.pulse import Pulse

SHORTEST_ID = 8
"""Characters that a word has at least to be looked up as an id in history too."""

LOOK_SECONDS = 0.5
"""How long history is asked for an id, before the page itself is read."""


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """Where is that job? A search for an id leads to the job's page, and what was typed to an address of plain terms."""
    may_see_payload = Right.VIEW_PAYLOAD in rights_of(request)
    query = read_query(pairs_in(request.GET), all_queues(), may_see_payload=may_see_payload)
    # The page's own script asks for the page that is shown; it must not be sent to another.
    if not wants_fragment(request):
        if exists(only_word(query)):
            return HttpResponseRedirect(link("job", job_id=only_word(query)))
        if query.to_tidy:
            return HttpResponseRedirect(link_to("jobs", [*query.pairs, ("live", request.GET.get("live"))]))
    query = query if may_see_payload else without_words(query)

    def read(stores: Stores, pulse: Pulse) -> JobsPage:
        return read_jobs(stores, pulse, query, who=name_of(request), with_form=not wants_fragment(request))

    current = "failures" if query.states == ("failed",) and not query.asked else "jobs"
    return render_page(request, "horizon/jobs.html", read, title=gettext("Jobs"), current=current, every=10)


def pairs_in(given: QueryDict) -> list[tuple[str, str]]:
    """All that an address names, in its order."""
    return [(name, value) for name, values in given.lists() for value in values]


def exists(word: str) -> bool:
    """Whether there is a job of this id; the page itself says so when Redis or the database does not answer."""
    if not is_job_id(word):
        return False
    try:
        with patience(LOOK_SECONDS, counting=LOOK_SECONDS):
            return bool(open_stores().jobs.rows([word])) or (
                len(word) >= SHORTEST_ID and bool(runs_of_job(word, most=1))
            )
    except (TookTooLong, *UNREACHABLE):
        return False


@require_safe
def job_count(request: HttpRequest) -> HttpResponse:
    """How many are there? A page of its own, so that neither the list nor its refreshes wait for it."""
    may_see_payload = Right.VIEW_PAYLOAD in rights_of(request)
    query = read_query(pairs_in(request.GET), all_queues(), may_see_payload=may_see_payload)
    query = query if may_see_payload else without_words(query)

    def read(stores: Stores, pulse: Pulse) -> CountPage:
        return read_count(stores, pulse, query)

    return render_page(
        request, "horizon/job_count.html", read, title=gettext("How many"), current="jobs", every=0, is_patient=True
    )


PAGES: list[tuple[str, View, str]] = [
    ("jobs/", jobs, "jobs"),
    ("count/jobs/", job_count, "job_count"),
]
