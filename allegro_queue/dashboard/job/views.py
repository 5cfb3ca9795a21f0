"""The page of one job."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.job.page import JobPage, read_job
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded


@require_safe
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """What happened to it and why?"""

    def read(stores: Stores, pulse: Pulse) -> JobPage | Missing:
        return read_job(stores, pulse, job_id) or Missing(
            heading=gettext("There is no job of this id."),
            words=gettext(
                "It was deleted, or its time was up: finished and failed jobs are kept for a while only. "
                "Or the id is not quite the right one."
            ),
            asked=job_id,
            back=link("jobs"),
            back_words=gettext("All jobs"),
        )

    return render_page(
        request, "horizon/job.html", read, title=worded(gettext("Job {id}"), id=job_id[:8]), current="jobs"
    )


PAGES: list[tuple[str, View, str]] = [("jobs/<str:job_id>/", job, "job")]
