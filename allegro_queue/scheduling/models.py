"""The table of cron entries that are made in admin."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy


class ScheduleEntry(models.Model):
    """A cron entry made in admin. One of the same name in ``HORIZON["schedule"]`` runs in its place."""

    class Overlap(models.TextChoices):
        SKIP = "skip", "skip that time"
        ALLOW = "allow", "run beside it"

    class Missed(models.TextChoices):
        ONCE = "once", "make up for all with one run"
        SKIP = "skip", "skip them"
        ALL = "all", "run the last of them"

    name = models.SlugField(max_length=100, unique=True, help_text="Letters, digits, “_” and “-”.")
    cron = models.CharField(max_length=100, blank=True, help_text="Five fields, such as */5 * * * *. Or give “every”.")
    every = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds between two runs.")
    zone = models.CharField(
        "time zone", max_length=64, blank=True, help_text="Of the cron line, such as Europe/Berlin. Empty: the site's."
    )
    job = models.CharField(
        max_length=200, help_text="Dotted path of a function under HORIZON['allowed_jobs'], such as shop.jobs.tidy."
    )
    queue = models.CharField(max_length=100, blank=True, help_text="Empty: where the function's own @job says.")
    args = models.JSONField("arguments", default=list, blank=True, help_text="A JSON list. No secrets.")
    kwargs = models.JSONField("keyword arguments", default=dict, blank=True, help_text="A JSON object. No secrets.")
    timeout = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds that a run may take.")
    overlap = models.CharField(
        "when the run before has not ended", max_length=10, choices=Overlap.choices, default=Overlap.SKIP
    )
    missed = models.CharField(
        "times missed while no scheduler ran", max_length=10, choices=Missed.choices, default=Missed.ONCE
    )
    missed_limit = models.PositiveIntegerField(default=10, help_text="How many of the missed times are run at most.")
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = gettext_lazy("schedule entries")

    def __str__(self) -> str:
        return self.name

    def as_given(self) -> dict[str, Any]:
        """The entry as it would stand in ``HORIZON["schedule"]``."""
        return {
            "name": self.name,
            "cron": self.cron,
            "every": self.every,
            "zone": self.zone,
            "job": self.job,
            "queue": self.queue or None,
            "args": self.args,
            "kwargs": self.kwargs,
            "timeout": self.timeout,
            "overlap": self.overlap,
            "missed": self.missed,
            "missed_limit": self.missed_limit,
            "enabled": self.enabled,
        }
