"""Where Django looks for models: those of the parts, and the permissions that can be granted in admin."""

from __future__ import annotations

from django.db import models

from allegro_queue.activity.models import Activity
from allegro_queue.activity.saved_view import SavedView
from allegro_queue.alerts.models import AlertEvent, AlertKeeper, AlertMessage, AlertMute, AlertStanding
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.history.models import (
    Collected,
    FailureGroup,
    FollowedTag,
    Gap,
    Run,
    RunTag,
    Series,
)
from allegro_queue.outbox_entry import OutboxEntry
from allegro_queue.rights import WORDS
from allegro_queue.scheduling.models import ScheduleEntry
from allegro_queue.tokens.models import ApiToken

__all__ = [
    "Activity",
    "AlertEvent",
    "AlertKeeper",
    "AlertMessage",
    "AlertMute",
    "AlertStanding",
    "ApiToken",
    "BulkResult",
    "BulkRun",
    "Collected",
    "FailureGroup",
    "FollowedTag",
    "Gap",
    "Horizon",
    "OutboxEntry",
    "Run",
    "RunTag",
    "SavedView",
    "ScheduleEntry",
    "Series",
]


class Horizon(models.Model):
    """Stands for the dashboard among Django's permissions."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = tuple((right.value, words) for right, words in WORDS.items())
