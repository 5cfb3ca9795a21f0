"""No tables: only the permission that ``access.staff_with_permission`` asks for, so that it can be granted in admin."""

from __future__ import annotations

from django.db import models


class Horizon(models.Model):
    """Stands for the dashboard among Django's permissions."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (("view_horizon", "Can see the Horizon dashboard"),)
