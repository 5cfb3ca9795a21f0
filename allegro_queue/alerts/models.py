"""The tables of alerts: what holds, what happened, what was sent, what is muted, and who keeps them.

They are in the database, not in Redis: a Redis server that is full or away is one of the things to tell of. Times are
Unix seconds.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

NAME_LENGTH = 200
TEXT_LENGTH = 500


class AlertStanding(models.Model):
    """One alert that holds. Gone when it is over; a rule has 50 at the most."""

    rule = models.CharField(max_length=40)
    subject = models.CharField(max_length=NAME_LENGTH)
    text = models.CharField(max_length=TEXT_LENGTH)
    """In English."""
    said = models.JSONField(null=True)
    """The same, to be told in any language (``tellings``); ``None`` in rows of versions that had English only."""
    since = models.FloatField()
    fired_at = models.FloatField(null=True)
    told_at = models.FloatField(null=True)
    clear_since = models.FloatField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "subject"], name="horizon_alert_one")]


class AlertEvent(models.Model):
    """One thing that happened to an alert. The last 2,000 are kept."""

    at = models.FloatField()
    rule = models.CharField(max_length=40)
    subject = models.CharField(max_length=NAME_LENGTH)
    happening = models.CharField(max_length=10)
    text = models.CharField(max_length=TEXT_LENGTH)
    """In English."""
    said = models.JSONField(null=True)
    """As that of a standing."""
    channels = models.CharField(max_length=TEXT_LENGTH)
    """Names of those that were told, as they are shown."""
    held = models.CharField(max_length=40)
    """Why nobody was told; empty when somebody was."""

    class Meta:
        default_permissions = ()


class AlertMessage(models.Model):
    """One message for one channel. The last 1,000 are kept."""

    channel = models.CharField(max_length=40)
    subject = models.CharField(max_length=NAME_LENGTH)
    body = models.TextField()
    rules = models.CharField(max_length=TEXT_LENGTH)
    """Names of the rules that it speaks of, with a comma between two."""
    is_over = models.BooleanField(db_default=False)
    """Whether it tells good news only: some services show that in a colour of its own."""
    created_at = models.FloatField()
    due_at = models.FloatField()
    """When it is tried next."""
    sent_at = models.FloatField(null=True)
    given_up = models.BooleanField(default=False)
    tries = models.IntegerField(default=0)
    trouble = models.CharField(max_length=NAME_LENGTH)
    """Why the last try failed; tells no secret."""

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="horizon_message_due",
                condition=models.Q(sent_at__isnull=True, given_up=False),
            ),
            models.Index(fields=["channel", "-id"], name="horizon_message_channel"),
        ]


class AlertMute(models.Model):
    """That a rule tells nobody for a while."""

    rule = models.CharField(max_length=40, primary_key=True)
    since = models.FloatField()
    until = models.FloatField()
    by = models.CharField(max_length=NAME_LENGTH)
    reason = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        default_permissions = ()


class AlertKeeper(models.Model):
    """The one process that looks and sends: one row, whose token every write of that process checks."""

    id = models.IntegerField(primary_key=True)
    token = models.CharField(max_length=40)
    until = models.FloatField()
    """When its turn ends unless it says that it lives."""
    host = models.CharField(max_length=NAME_LENGTH)
    pid = models.IntegerField()
    looked_at = models.FloatField()
    memory = models.TextField()
    """What it must remember from one look to the next, as JSON (``watching.Memory``)."""

    class Meta:
        default_permissions = ()
