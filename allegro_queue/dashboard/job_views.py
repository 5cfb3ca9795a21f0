"""The pages of jobs, and the step before acting on them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.connection import UNREACHABLE
from allegro_queue.dashboard.actions import own_page
from allegro_queue.dashboard.confirm_pages import PausePage, read_pause
from allegro_queue.dashboard.job_pages import JobPage, JobsPage, read_job, read_jobs
from allegro_queue.dashboard.job_query import read_query
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.render import Missing, render_page
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.jobs import is_job_id
from allegro_queue.stores.pulse import Pulse


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """Where is that job? A search for an id leads to the job's page."""
    query = read_query(request.GET.dict(), all_queues())
    if is_job_id(query.words) and exists(query.words):
        return HttpResponseRedirect(link("job", job_id=query.words))

    def read(stores: Stores, pulse: Pulse) -> JobsPage:
        return read_jobs(stores, pulse, query)

    current = "failures" if query.state == "failed" and not query.words else "jobs"
    return render_page(request, "horizon/jobs.html", read, title="Jobs", current=current)


def exists(job_id: str) -> bool:
    """Whether there is such a job; the page itself says so when Redis does not answer."""
    try:
        return bool(open_stores().jobs.rows([job_id]))
    except UNREACHABLE:
        return False


@require_safe
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """What happened to it and why?"""

    def read(stores: Stores, pulse: Pulse) -> JobPage | Missing:
        return read_job(stores, pulse, job_id) or Missing(
            heading="There is no job of this id.",
            words="It was deleted, or its time was up: finished and failed jobs are kept for a while only. "
            "Or the id is not quite the right one.",
            asked=job_id,
            back=link("jobs"),
            back_words="All jobs",
        )

    return render_page(request, "horizon/job.html", read, title=f"Job {job_id[:8]}", current="jobs")


@require_safe
def confirm_pause(request: HttpRequest) -> HttpResponse:
    """Pause this queue?"""

    def read(stores: Stores, pulse: Pulse) -> PausePage:
        given = request.GET.get("next", "") or link("overview")
        return read_pause(stores, pulse, request.GET.get("queue", ""), own_page(given))

    return render_page(request, "horizon/pause.html", read, title="Pause", current="overview", every=0)


PAGES: list[tuple[str, View, str]] = [
    ("jobs/", jobs, "jobs"),
    ("jobs/<str:job_id>/", job, "job"),
    ("confirm/pause/", confirm_pause, "confirm_pause"),
]
