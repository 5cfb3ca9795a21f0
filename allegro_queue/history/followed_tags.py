"""Runs of the tags that somebody follows, counted from then on."""

from __future__ import annotations

from collections.abc import Sequence

from allegro_queue.history.database import alias
from allegro_queue.history.models import MonitoredTag
from allegro_queue.history.rows import Kept


def count_monitored(runs: Sequence[Kept]) -> None:
    """Count runs for the tags that somebody follows."""
    if not any(run.tags for run in runs):
        return
    for followed in MonitoredTag.objects.using(alias()).select_for_update():
        found = [run.record.outcome for run in runs if followed.tag in run.tags]
        if found:
            followed.succeeded += found.count("succeeded")
            followed.retried += found.count("retried")
            followed.failed += found.count("failed") + found.count("lost")
            followed.save(using=alias(), update_fields=["succeeded", "failed", "retried"])
