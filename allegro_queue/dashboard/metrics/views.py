"""The pages of metrics."""

from __future__ import annotations

import time

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.metrics.chart_csv import CsvColumn, answer_with
from allegro_queue.dashboard.metrics.pages import MetricPage, MetricsPage, read_metric, read_metrics
from allegro_queue.dashboard.metrics.rows import MetricKind
from allegro_queue.dashboard.page.files import in_time
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import Pulse

EVERY = 60
"""Seconds between two refreshes: stretches are minutes long."""


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What costs time, what fails?"""

    def read(stores: Stores, pulse: Pulse) -> MetricsPage:
        return read_metrics(stores, pulse, request.GET.get("range", ""))

    return render_page(request, "horizon/metrics.html", read, title=gettext("Metrics"), current="metrics", every=EVERY)


@require_safe
def queue_metrics(request: HttpRequest, queue: str) -> HttpResponse:
    """One queue over time."""
    return one(request, "queue", queue, gettext("There is no queue of this name."))


@require_safe
def job_metrics(request: HttpRequest, job_name: str) -> HttpResponse:
    """One job name over time."""
    return one(request, "job", job_name, gettext("No job of this name has been measured."))


def one(request: HttpRequest, kind: MetricKind, name: str, heading: str) -> HttpResponse:
    def read(stores: Stores, pulse: Pulse) -> MetricPage | Missing:
        return read_metric(stores, pulse, kind, name, request.GET.get("range", "")) or Missing(
            heading=heading,
            words=gettext(
                "Names that have not run for long are forgotten, and new ones appear with their first job. "
                "Or the name is not quite the right one."
            ),
            asked=name,
            back=link("metrics"),
            back_words=gettext("All metrics"),
        )

    return render_page(request, "horizon/metric.html", read, title=name, current="metrics", every=EVERY)


@require_safe
@in_time
def queue_metrics_csv(request: HttpRequest, queue: str, chart: str) -> HttpResponse:
    """The numbers of one chart of a queue."""
    return numbers(request, "queue", queue, chart)


@require_safe
@in_time
def job_metrics_csv(request: HttpRequest, job_name: str, chart: str) -> HttpResponse:
    """The numbers of one chart of a job name."""
    return numbers(request, "job", job_name, chart)


def numbers(request: HttpRequest, kind: MetricKind, name: str, key: str) -> HttpResponse:
    """What a chart is drawn from, as CSV: rates per minute, durations in seconds."""
    stores = open_stores()
    page = read_metric(stores, stores.pulse.read(all_queues(), time.time()), kind, name, request.GET.get("range", ""))
    chart = next((each for each in page.charts if each.key == key), None) if page else None
    if page is None or chart is None:
        raise Http404("There is no such chart.")
    columns = [CsvColumn(each.name, each.values) for each in chart.columns]
    return answer_with(f"{name}-{key}-{page.key}", page.starts, columns)


PAGES: list[tuple[str, View, str]] = [
    ("metrics/", metrics, "metrics"),
    ("metrics/queues/<str:queue>/", queue_metrics, "queue_metrics"),
    ("metrics/queues/<str:queue>/<str:chart>.csv", queue_metrics_csv, "queue_metrics_csv"),
    ("metrics/jobs/<str:job_name>/", job_metrics, "job_metrics"),
    ("metrics/jobs/<str:job_name>/<str:chart>.csv", job_metrics_csv, "job_metrics_csv"),
]
