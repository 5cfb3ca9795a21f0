"""The tables of runs over many jobs. Times are Unix seconds."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy


class BulkRun(models.Model):
    """One act on many jobs."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        CHOOSING = "choosing"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    token = models.UUIDField(unique=True)
    """Of the page that it was asked on: the button pressed twice begins one run."""
    act = models.CharField(max_length=10)
    to = models.CharField(max_length=200, blank=True)
    """Queue that jobs are moved to."""
    selection = models.JSONField()
    """Which jobs, as ``Selection.encode`` writes it."""
    subject = models.CharField(max_length=500)
    """The same in words."""
    cut_off = models.FloatField()
    """What came into its state later is left alone."""
    per_minute = models.PositiveIntegerField(default=0)
    """Jobs a minute at most; 0: as fast as it goes."""
    expected = models.PositiveIntegerField(default=0)
    """Jobs that the page counted."""
    who = models.CharField(max_length=254)
    via = models.CharField(max_length=10)
    reason = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    slice = models.PositiveIntegerField(default=0)
    """Number of the job that carries it on now."""
    total = models.PositiveIntegerField(null=True)
    """Jobs in the set, once it is chosen."""
    noted = models.PositiveIntegerField(default=0)
    """Jobs whose result has been read from Redis."""
    done = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    later = models.PositiveIntegerField(default=0)
    barred = models.PositiveIntegerField(default=0)
    other = models.PositiveIntegerField(default=0)
    created_at = models.FloatField()
    began_at = models.FloatField(null=True)
    moved_at = models.FloatField()
    """When it last got on."""
    ended_at = models.FloatField(null=True)
    ended_by = models.CharField(max_length=254, blank=True)
    """Who cancelled it."""

    class Meta:
        verbose_name = gettext_lazy("run over many jobs")
        verbose_name_plural = gettext_lazy("runs over many jobs")
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["created_at"], name="horizon_bulk_created")]

    def __str__(self) -> str:
        return f"{self.act} {self.subject}"


class BulkResult(models.Model):
    """What became of one job of a run; of the first ``noting.ROWS_KEPT`` of each, for a month."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="results", db_index=False)
    number = models.PositiveIntegerField()
    job_id = models.CharField(max_length=200)
    result = models.CharField(max_length=10)
    """``done``, ``gone``, ``running``, ``later``, ``barred`` or ``other``."""
    detail = models.CharField(max_length=200, blank=True)
    """Who holds the lock of a barred one; which state another was in."""

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="horizon_bulk_result_number"),
        ]
        indexes: ClassVar = [models.Index(fields=["run", "result", "number"], name="horizon_bulk_result_kind")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.result}"
