from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext, gettext_lazy, ngettext

from allegro.history import HistoryAdmin, HistoryInline
from allegro.webhooks.events import SUBSCRIBABLE
from allegro.webhooks.models import OVERLAP, Attempt, Breaker, Delivery, Endpoint, Event
from allegro.webhooks.redelivery import redeliver


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        choices=[(each, each) for each in SUBSCRIBABLE],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The kinds to send, when it is not all of them."),
        label=gettext_lazy("events"),
    )

    class Meta:
        model = Endpoint
        fields = ("organization", "url", "description", "all_events", "events", "active", "retry")


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    """Endpoints. A secret is shown in the one answer to the request that made it, and never again."""

    form = EndpointForm
    change_form_template = "admin/webhooks/endpoint/change_form.html"
    list_display = ("__str__", "url", "organization", "events_sent", "active", "retry", "created_at")
    list_filter = ("active", "retry", "organization")
    list_select_related = ("organization",)
    search_fields = ("url", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Its place and its history belong to the organization it was made for.
        return ("organization", "standing") if obj else ()

    @admin.display(description=gettext_lazy("events"))
    def events_sent(self, endpoint: Endpoint) -> str:
        return gettext("all") if endpoint.all_events else ", ".join(endpoint.events)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, endpoint: Endpoint) -> str:
        now = timezone.now()
        if not endpoint.active:
            off = gettext("Switched off.")
            return f"{off} {endpoint.switched_off_because}".strip()
        if endpoint.rest_until is not None and endpoint.rest_until > now:
            text = gettext("It has asked to be left alone until {time} UTC.")
            return text.format(time=f"{endpoint.rest_until:%Y-%m-%d %H:%M}")
        breaker = Breaker.objects.filter(organization=endpoint.organization, host=endpoint.host).first()
        if breaker is not None and breaker.is_left_alone(now):
            text = ngettext(
                "{host} has not answered {n} time in a row and is left alone until {time} UTC.",
                "{host} has not answered {n} times in a row and is left alone until {time} UTC.",
                breaker.silences,
            )
            return text.format(host=breaker.host, n=breaker.silences, time=f"{breaker.open_until:%Y-%m-%d %H:%M}")
        return gettext("Deliveries go out.")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if obj.active:
            obj.switched_off_because = ""
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self.secret_page(request, obj, secret=obj.secrets_in_force(timezone.now())[0])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.new_secret)
        return [path("<int:pk>/new-secret/", view, name="webhooks_endpoint_new_secret"), *super().get_urls()]

    def new_secret(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks; POST makes a new secret and shows it."""
        endpoint = self.get_object(request, str(pk))
        if endpoint is None:
            raise Http404
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        if request.method != "POST":
            return self.secret_page(request, endpoint, secret="")
        secret = endpoint.renew_secret(timezone.now())
        self.log_change(request, endpoint, "New signing secret.")
        return self.secret_page(request, endpoint, secret=secret)

    def secret_page(self, request: HttpRequest, endpoint: Endpoint, *, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Signing secret"),
            "opts": self.opts,
            "endpoint": endpoint,
            "secret": secret,
            "overlap_hours": round(OVERLAP.total_seconds() / 3600),
        }
        page = TemplateResponse(request, "admin/webhooks/endpoint/secret.html", context)
        add_never_cache_headers(page)
        return page


class DeliveryInline(HistoryInline):
    model = Delivery
    fields = ("endpoint", "state", "status_code", "duration_ms", "error", "attempted_at")


class AttemptInline(HistoryInline):
    model = Attempt
    fields = ("at", "status_code", "duration_ms", "error", "response_excerpt")
    show_change_link = False


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    list_display = ("type", "id", "organization", "member", "created_at")
    list_filter = ("type", "organization")
    list_select_related = ("organization", "member")
    search_fields = ("=id",)
    date_hierarchy = "created_at"
    inlines = (DeliveryInline,)


@admin.register(Delivery)
class DeliveryAdmin(HistoryAdmin):
    list_display = ("id", "event_type", "endpoint", "state", "tries", "status_code", "duration_ms", "attempted_at")
    list_filter = ("state", "event__type", "endpoint__organization", "endpoint")
    list_select_related = ("event", "endpoint")
    search_fields = ("=id", "=event__id", "endpoint__url")
    date_hierarchy = "created_at"
    inlines = (AttemptInline,)
    actions = ("deliver_again",)

    @admin.display(description=gettext_lazy("event"), ordering="event__type")
    def event_type(self, delivery: Delivery) -> str:
        return delivery.event.type

    def has_deliver_again_permission(self, request: HttpRequest) -> bool:
        """Who may change endpoints may have them called."""
        return request.user.has_perm("webhooks.change_endpoint")

    @admin.action(description=gettext_lazy("Deliver again"), permissions=["deliver_again"])
    def deliver_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        ids = [str(each) for each in deliveries.values_list("pk", flat=True)]
        queued = redeliver(ids, timezone.now())
        left = len(ids) - queued
        told = [ngettext("{n} delivery queued again.", "{n} deliveries queued again.", queued).format(n=queued)]
        if left:
            text = ngettext(
                "{n} left out: on its way already, or its endpoint is switched off.",
                "{n} left out: on their way already, or their endpoint is switched off.",
                left,
            )
            told.append(text.format(n=left))
        self.message_user(request, " ".join(told), messages.SUCCESS if queued else messages.WARNING)


@admin.register(Breaker)
class BreakerAdmin(HistoryAdmin):
    """What is known of hosts. Deleting a row has its host tried again at once."""

    can_be_deleted = True

    list_display = ("host", "organization", "answered_at", "silent_since", "silences", "open_until")
    list_filter = ("organization",)
    list_select_related = ("organization",)
    search_fields = ("host",)
