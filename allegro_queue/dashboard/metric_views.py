"""The pages of metrics."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.metric_pages import MetricKind, MetricPage, read_metric, read_metrics
from allegro_queue.dashboard.render import Missing, render_page
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse

EVERY = 60
"""Seconds between two refreshes: stretches are minutes long."""


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What costs time, what fails?"""
    return render_page(request, "horizon/metrics.html", read_metrics, title="Metrics", current="metrics", every=EVERY)


@require_safe
def queue_metrics(request: HttpRequest, queue: str) -> HttpResponse:
    """One queue over time."""
    return one(request, "queue", queue, "There is no queue of this name.")


@require_safe
def job_metrics(request: HttpRequest, job_name: str) -> HttpResponse:
    """One job name over time."""
    return one(request, "job", job_name, "No job of this name has been measured.")


def one(request: HttpRequest, kind: MetricKind, name: str, heading: str) -> HttpResponse:
    def read(stores: Stores, pulse: Pulse) -> MetricPage | Missing:
        return read_metric(stores, pulse, kind, name) or Missing(
            heading=heading,
            words="Names that have not run for long are forgotten, and new ones appear with their first job. "
            "Or the name is not quite the right one.",
            asked=name,
            back=link("metrics"),
            back_words="All metrics",
        )

    return render_page(request, "horizon/metric.html", read, title=name, current="metrics", every=EVERY)


PAGES: list[tuple[str, View, str]] = [
    ("metrics/", metrics, "metrics"),
    ("metrics/queues/<str:queue>/", queue_metrics, "queue_metrics"),
    ("metrics/jobs/<str:job_name>/", job_metrics, "job_metrics"),
]
