"""Where Django looks for models: history, the journal of what people did, and the permissions to be granted in admin."""

from __future__ import annotations

from django.db import models

from allegro_queue.activity.models import Activity
from allegro_queue.history.models import (
    Collected,
    FailureGroup,
    Gap,
    MonitoredTag,
    Run,
    RunTag,
    Series,
)
from allegro_queue.rights import WORDS

__all__ = [
    "Activity",
    "Collected",
    "FailureGroup",
    "Gap",
    "Horizon",
    "MonitoredTag",
    "Run",
    "RunTag",
    "Series",
]


class Horizon(models.Model):
    """Stands for the dashboard among Django's permissions."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = tuple((right.value, words) for right, words in WORDS.items())
