"""Django's admin: cron entries, held to the same rules as those of the settings, and the outbox, to read. The dashboard has
its own pages and its own door."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from allegro_queue.conf import horizon_settings, queue_configs
from allegro_queue.models import OutboxEntry, ScheduleEntry
from allegro_queue.scheduling.declared import declared_entries
from allegro_queue.scheduling.entries import problems_of_entry
from allegro_queue.tellings import telling


@admin.register(OutboxEntry)
class OutboxEntryAdmin(admin.ModelAdmin):
    """What waits to be sent. A row may be deleted, which drops its job; arguments are not shown, as they may be private."""

    list_display = ("name", "tenant", "created_at", "sendings", "error")
    list_filter = ("name",)
    search_fields = ("=job_id", "name")
    fields = ("name", "job_id", "tenant", "options", "created_at", "held_until", "sendings", "error")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScheduleEntryForm(forms.ModelForm):
    """Says every fault at once, in the words of the system check."""

    class Meta:
        model = ScheduleEntry
        fields = (
            "name", "enabled", "cron", "every", "zone", "job", "queue", "args", "kwargs", "timeout", "overlap",
            "missed", "missed_limit",
        )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        # Django has said already what is wrong with a field; the rules look at those that are whole.
        if not self.errors:
            entry = ScheduleEntry(**{key: cleaned[key] for key in self.Meta.fields})
            where = telling("It")
            allowed = horizon_settings().allowed_jobs
            for problem in problems_of_entry(where, entry.as_given(), queue_configs(), allowed):
                self.add_error(None, problem.words)
            if entry.name in {each.name for each in declared_entries()}:
                self.add_error(
                    "name", gettext("HORIZON['schedule'] has an entry of this name, and that one would run instead.")
                )
        return cleaned


@admin.register(ScheduleEntry)
class ScheduleEntryAdmin(admin.ModelAdmin):
    """A scheduler takes changes over within seconds."""

    form = ScheduleEntryForm
    list_display = ("name", "when", "job", "queue", "enabled", "changed_at")
    list_filter = ("enabled", "queue")
    search_fields = ("name", "job")

    @admin.display(description=gettext_lazy("when"))
    def when(self, entry: ScheduleEntry) -> str:
        return entry.cron or gettext("every {n} s").format(n=entry.every)
