"""The table of cron entries that are made in admin."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy


class ScheduleEntry(models.Model):
    """A cron entry made in admin. One of the same name in ``HORIZON["schedule"]`` runs in its place."""

    class Overlap(models.TextChoices):
        SKIP = "skip", gettext_lazy("skip that time")
        ALLOW = "allow", gettext_lazy("run beside it")

    class Missed(models.TextChoices):
        ONCE = "once", gettext_lazy("make up for all with one run")
        SKIP = "skip", gettext_lazy("skip them")
        ALL = "all", gettext_lazy("run the last of them")

    name = models.SlugField(
        gettext_lazy("name"), max_length=100, unique=True, help_text=gettext_lazy("Letters, digits, “_” and “-”.")
    )
    cron = models.CharField(
        gettext_lazy("cron"),
        max_length=100,
        blank=True,
        help_text=gettext_lazy("Five fields, such as */5 * * * *. Or give “every”."),
    )
    every = models.PositiveIntegerField(
        gettext_lazy("every"), null=True, blank=True, help_text=gettext_lazy("Seconds between two runs.")
    )
    zone = models.CharField(
        gettext_lazy("time zone"),
        max_length=64,
        blank=True,
        help_text=gettext_lazy("Of the cron line, such as Europe/Berlin. Empty: the site's."),
    )
    job = models.CharField(
        gettext_lazy("job"),
        max_length=200,
        help_text=gettext_lazy("Dotted path of a function under HORIZON['allowed_jobs'], such as shop.jobs.tidy."),
    )
    queue = models.CharField(
        gettext_lazy("queue"),
        max_length=100,
        blank=True,
        help_text=gettext_lazy("Empty: where the function's own @job says."),
    )
    args = models.JSONField(
        gettext_lazy("arguments"), default=list, blank=True, help_text=gettext_lazy("A JSON list. No secrets.")
    )
    kwargs = models.JSONField(
        gettext_lazy("keyword arguments"),
        default=dict,
        blank=True,
        help_text=gettext_lazy("A JSON object. No secrets."),
    )
    timeout = models.PositiveIntegerField(
        gettext_lazy("timeout"), null=True, blank=True, help_text=gettext_lazy("Seconds that a run may take.")
    )
    overlap = models.CharField(
        gettext_lazy("when the run before has not ended"), max_length=10, choices=Overlap.choices, default=Overlap.SKIP
    )
    missed = models.CharField(
        gettext_lazy("times missed while no scheduler ran"), max_length=10, choices=Missed.choices, default=Missed.ONCE
    )
    missed_limit = models.PositiveIntegerField(
        gettext_lazy("missed limit"),
        default=10,
        help_text=gettext_lazy("How many of the missed times are run at most."),
    )
    enabled = models.BooleanField(gettext_lazy("enabled"), default=True)
    changed_at = models.DateTimeField(gettext_lazy("changed at"), auto_now=True)

    class Meta:
        verbose_name = gettext_lazy("schedule entry")
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
