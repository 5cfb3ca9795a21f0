"""Where Django looks for models: the journal of what people did, and the permissions that can be granted in admin."""

from __future__ import annotations

from django.db import models

from allegro_queue.activity.models import Activity
from allegro_queue.alerts.models import AlertEvent, AlertKeeper, AlertMessage, AlertMute, AlertStanding
from allegro_queue.rights import WORDS

__all__ = [
    "Activity",
    "AlertEvent",
    "AlertKeeper",
    "AlertMessage",
    "AlertMute",
    "AlertStanding",
    "Horizon",
]


class Horizon(models.Model):
    """Stands for the dashboard among Django's permissions."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = tuple((right.value, words) for right, words in WORDS.items())
