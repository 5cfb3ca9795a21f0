"""Where Django looks for models: the tables of history, and the permission that ``access.staff_with_permission`` asks for."""

from __future__ import annotations

from django.db import models

from allegro_queue.history.models import (
    Collected,
    FailureGroup,
    Gap,
    MonitoredTag,
    Run,
    RunTag,
    Series,
)

__all__ = [
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
        permissions = (("view_horizon", "Can see the Horizon dashboard"),)
