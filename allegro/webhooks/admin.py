from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from allegro.history import HistoryAdmin, HistoryInline
from allegro.webhooks.events import SUBSCRIBABLE
from allegro.webhooks.models import Delivery, Endpoint, Event


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        choices=[(each, each) for each in SUBSCRIBABLE],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The kinds to send, when it is not all of them.",
    )

    class Meta:
        model = Endpoint
        fields = ("organization", "url", "description", "all_events", "events", "active")


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    form = EndpointForm
    list_display = ("__str__", "url", "organization", "events_sent", "active", "created_at")
    list_filter = ("active", "organization")
    list_select_related = ("organization",)
    search_fields = ("url", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Its place and its history belong to the organization it was made for.
        return ("organization",) if obj else ()

    @admin.display(description="events")
    def events_sent(self, endpoint: Endpoint) -> str:
        return "all" if endpoint.all_events else ", ".join(endpoint.events)


class DeliveryInline(HistoryInline):
    model = Delivery
    fields = ("endpoint", "state", "status_code", "duration_ms", "error", "attempted_at")


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    list_display = ("type", "id", "organization", "created_at")
    list_filter = ("type", "organization")
    list_select_related = ("organization",)
    search_fields = ("=id",)
    date_hierarchy = "created_at"
    inlines = (DeliveryInline,)


@admin.register(Delivery)
class DeliveryAdmin(HistoryAdmin):
    list_display = ("id", "event_type", "endpoint", "state", "status_code", "duration_ms", "attempted_at")
    list_filter = ("state", "event__type", "endpoint__organization", "endpoint")
    list_select_related = ("event", "endpoint")
    search_fields = ("=id", "=event__id", "endpoint__url")
    date_hierarchy = "created_at"

    @admin.display(description="event", ordering="event__type")
    def event_type(self, delivery: Delivery) -> str:
        return delivery.event.type
