"""The tables of history. Written by the collector alone (but for a group's state and the tags that people follow).

Times are Unix seconds, as everywhere in the library. They live in the database ``HORIZON["database"]``.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

EXECUTION_LENGTH = 64
NAME_LENGTH = 200
TAG_LENGTH = 100
MESSAGE_LENGTH = 500


class Run(models.Model):
    """One ended attempt of one job."""

    id = models.BigIntegerField(primary_key=True)
    """Its place in Redis' stream (``rows.run_id``), so that the order of ids is the order of ends."""
    execution_id = models.CharField(max_length=EXECUTION_LENGTH, unique=True)
    job_id = models.CharField(max_length=NAME_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH)
    queue = models.CharField(max_length=NAME_LENGTH)
    supervisor = models.CharField(max_length=NAME_LENGTH)
    worker = models.CharField(max_length=NAME_LENGTH)
    host = models.CharField(max_length=NAME_LENGTH)
    tenant = models.CharField(max_length=NAME_LENGTH)
    batch = models.CharField(max_length=NAME_LENGTH)
    tags = models.TextField()
    """Separated by line breaks; searched through ``RunTag``."""
    attempt = models.IntegerField()
    enqueued_at = models.FloatField()
    """0 when not known."""
    started_at = models.FloatField()
    ended_at = models.FloatField()
    outcome = models.CharField(max_length=10)
    silenced = models.BooleanField()
    exception = models.CharField(max_length=NAME_LENGTH)
    """Type of the failure, such as ``ValueError``."""
    message = models.CharField(max_length=MESSAGE_LENGTH)
    """Masked."""
    traceback = models.TextField()
    """Masked; the end of it."""
    fingerprint = models.CharField(max_length=32)
    """Of the failure group; empty when it did not fail."""
    arguments = models.TextField()
    """The call's arguments as JSON, masked and cut short."""
    version = models.CharField(max_length=NAME_LENGTH)
    words = models.TextField()
    """What a search by text looks at: each word once, in lower case, with a space between two."""

    class Meta:
        default_permissions = ()
        # Each list is one of these, read from its end; what most runs do not have is indexed where they have it.
        indexes: ClassVar = [
            models.Index(fields=["outcome", "id"], name="horizon_run_outcome"),
            models.Index(fields=["queue", "id"], name="horizon_run_queue"),
            models.Index(fields=["name", "id"], name="horizon_run_name"),
            models.Index(fields=["job_id", "id"], name="horizon_run_job"),
            models.Index(fields=["tenant", "id"], name="horizon_run_tenant", condition=~Q(tenant="")),
            models.Index(fields=["batch", "id"], name="horizon_run_batch", condition=~Q(batch="")),
            models.Index(fields=["exception", "id"], name="horizon_run_exception", condition=~Q(exception="")),
            # The tenant comes with it, so that a list of groups need not read thousands of runs for it.
            models.Index(
                fields=["fingerprint", "id", "tenant"], name="horizon_run_fingerprint", condition=~Q(fingerprint="")
            ),
            models.Index(fields=["silenced", "id"], name="horizon_run_silenced", condition=Q(silenced=True)),
        ]


class RunTag(models.Model):
    """That a run has a tag."""

    pk = models.CompositePrimaryKey("tag", "run_id")
    tag = models.CharField(max_length=TAG_LENGTH)
    run_id = models.BigIntegerField(db_index=True)

    class Meta:
        default_permissions = ()


class FollowedTag(models.Model):
    """A tag that somebody follows."""

    tag = models.CharField(max_length=TAG_LENGTH, primary_key=True)
    since = models.FloatField()
    by = models.CharField(max_length=NAME_LENGTH)
    succeeded = models.BigIntegerField(default=0)
    """Runs since then, as the collector has counted them."""
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()


class FailureGroup(models.Model):
    """Attempts that failed in the same way."""

    fingerprint = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=NAME_LENGTH)
    exception = models.CharField(max_length=NAME_LENGTH)
    message = models.CharField(max_length=MESSAGE_LENGTH)
    """As in the newest run; masked."""
    frame = models.CharField(max_length=NAME_LENGTH)
    """Where in the application it was raised, such as ``allegro/audience/jobs.py in sync_member``."""
    count = models.BigIntegerField()
    """Attempts."""
    first_at = models.FloatField()
    last_at = models.FloatField()
    first_version = models.CharField(max_length=NAME_LENGTH)
    last_run = models.BigIntegerField()
    """The newest run, whose job and traceback serve as a sample."""
    state = models.CharField(max_length=10)
    muted_until = models.FloatField(default=0)
    changed_at = models.FloatField()
    """When its state last changed."""
    changed_by = models.CharField(max_length=NAME_LENGTH)
    """Who changed it; empty for the collector."""

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(fields=["last_at"], name="horizon_group_last"),
            models.Index(fields=["state", "last_at"], name="horizon_group_state"),
        ]


class Series(models.Model):
    """Counts of one name in one stretch of time."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10)
    """``queue``, ``job``, ``tag``, ``failure`` or ``version``."""
    name = models.CharField(max_length=NAME_LENGTH)
    seconds = models.IntegerField()
    """Length of the stretch: 60, 300, 3600 or 86400; 0 for all that ever was."""
    starts_at = models.BigIntegerField()
    started = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    """For good: failed, or lost with its worker."""
    retried = models.BigIntegerField(default=0)
    stopped = models.BigIntegerField(default=0)
    run_seconds = models.FloatField(default=0)
    """Sum over all attempts."""
    run_longest = models.FloatField(default=0)
    run_times = models.TextField(default="")
    """Histogram (``metrics.histograms``) of how long attempts ran."""
    waited = models.BigIntegerField(default=0)
    """Attempts whose wait is known."""
    wait_seconds = models.FloatField(default=0)
    wait_longest = models.FloatField(default=0)
    wait_times = models.TextField(default="")
    sampled_at = models.FloatField(null=True)
    """When a snapshot last looked at the queue; ``None``: none did."""
    depth = models.BigIntegerField(null=True)
    """Most jobs that a snapshot saw waiting."""
    oldest_seconds = models.FloatField(null=True)
    """Age of the oldest job that a snapshot saw waiting."""

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "name", "seconds", "starts_at"], name="horizon_series_one"),
        ]
        # None of what is counted: PostgreSQL writes a row whose indexed columns stay as they were into its page's free space,
        # and into every index anew otherwise (half as much again for each batch).
        indexes: ClassVar = [models.Index(fields=["seconds", "starts_at"], name="horizon_series_time")]


class Gap(models.Model):
    """Runs that Redis had dropped before the collector came to them."""

    from_at = models.FloatField()
    """Time of the last run before it."""
    to_at = models.FloatField()
    missed = models.BigIntegerField()

    class Meta:
        default_permissions = ()


class Collected(models.Model):
    """How far the collector has come: one row, written in the transaction that writes what was collected."""

    id = models.IntegerField(primary_key=True)
    position = models.CharField(max_length=50)
    """Id of the last entry read from the stream."""
    read = models.BigIntegerField()
    """Entries of the stream up to there, those dropped unread included."""
    runs = models.BigIntegerField()
    """Rows in ``Run``."""
    duplicates = models.BigIntegerField()
    """Second records of an execution, which count for nothing."""
    unreadable = models.BigIntegerField()
    """Entries that are no run record."""
    last_unreadable = models.CharField(max_length=MESSAGE_LENGTH)
    missed = models.BigIntegerField()
    """Sum over all gaps."""
    collected_at = models.FloatField()
    """Unix time of the last write."""

    class Meta:
        default_permissions = ()
