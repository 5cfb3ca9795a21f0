"""The pages, each behind the door; beside it the two probes, which say one word; and the API, behind a door of its own."""

from __future__ import annotations

from django.urls import path

from allegro_queue.access import View, gated
from allegro_queue.api.mount import addresses
from allegro_queue.dashboard.acting.actions import ACTIONS
from allegro_queue.dashboard.acting.views import ACTIONS as BULK_ACTIONS
from allegro_queue.dashboard.acting.views import PAGES as BULK_PAGES
from allegro_queue.dashboard.acting.views import RUN_ACTIONS
from allegro_queue.dashboard.alerts.views import PAGES as ALERT_PAGES
from allegro_queue.dashboard.batches.views import ACTIONS as BATCH_ACTIONS
from allegro_queue.dashboard.batches.views import PAGES as BATCH_PAGES
from allegro_queue.dashboard.failures.views import PAGES as FAILURE_PAGES
from allegro_queue.dashboard.job.act_views import ACTIONS as ONE_JOB_ACTIONS
from allegro_queue.dashboard.job.act_views import PAGES as ONE_JOB_PAGES
from allegro_queue.dashboard.job.views import PAGES as JOB_PAGES
from allegro_queue.dashboard.jobs.export_views import PAGES as EXPORT_PAGES
from allegro_queue.dashboard.jobs.saved_views import PAGES as SAVED_VIEW_PAGES
from allegro_queue.dashboard.jobs.views import PAGES as JOBS_PAGES
from allegro_queue.dashboard.machines.probes import PROBES
from allegro_queue.dashboard.machines.prometheus import by_token_or_gate, prometheus
from allegro_queue.dashboard.metrics.views import PAGES as METRIC_PAGES
from allegro_queue.dashboard.monitoring_pages import PAGES as MONITORING_PAGES
from allegro_queue.dashboard.queues.views import ACTIONS as QUEUE_ACTIONS
from allegro_queue.dashboard.queues.views import PAGES as QUEUE_PAGES
from allegro_queue.dashboard.schedule.views import PAGES as SCHEDULE_PAGES
from allegro_queue.dashboard.token_pages import PAGES as TOKEN_PAGES
from allegro_queue.dashboard.views import PAGES
from allegro_queue.dashboard.workers.control_views import PAGES as CONTROL_PAGES
from allegro_queue.dashboard.workers.end_views import PAGES as END_PAGES
from allegro_queue.dashboard.workers.views import PAGES as WORKER_PAGES

app_name = "horizon"

ROUTES: list[tuple[str, View, str]] = [
    *PAGES,
    *JOBS_PAGES,
    *JOB_PAGES,
    *EXPORT_PAGES,
    *SAVED_VIEW_PAGES,
    *MONITORING_PAGES,
    *FAILURE_PAGES,
    *QUEUE_PAGES,
    *WORKER_PAGES,
    *CONTROL_PAGES,
    *END_PAGES,
    *SCHEDULE_PAGES,
    *METRIC_PAGES,
    *ALERT_PAGES,
    *BATCH_PAGES,
    *TOKEN_PAGES,
    *BATCH_ACTIONS,
    *BULK_PAGES,
    *ONE_JOB_PAGES,
    *ACTIONS,
    *QUEUE_ACTIONS,
    *BULK_ACTIONS,
    *RUN_ACTIONS,
    *ONE_JOB_ACTIONS,
]

urlpatterns = [path(route, gated(view), name=name) for route, view, name in ROUTES]
urlpatterns += [path("metrics/prometheus", by_token_or_gate(prometheus), name="prometheus")]
urlpatterns += [path(route, view, name=name) for route, view, name in PROBES]
urlpatterns += addresses()
