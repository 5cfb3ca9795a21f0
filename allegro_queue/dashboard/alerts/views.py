"""The page of alerts, the step before muting a rule, and what can be done there."""

from __future__ import annotations

import logging
import time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from allegro_queue.access import View
from allegro_queue.alerts import book
from allegro_queue.alerts.options import alert_options
from allegro_queue.alerts.wording import trial
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import page_client
from allegro_queue.dashboard.acting.actions import Told, action, name_of, own_page, problem_with_reason, reason_in
from allegro_queue.dashboard.alerts.page import MOST_MUTE_MINUTES, AlertsPage, MutePage, read_alerts, read_mute
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.rights import Right
from allegro_queue.spans import lasting
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling

log = logging.getLogger(__name__)


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Who is told, about what?"""

    def read(stores: Stores, pulse: Pulse) -> AlertsPage:
        return read_alerts(request.GET.dict(), pulse.at)

    return render_page(request, "horizon/alerts.html", read, title=gettext("Alerts"), current="alerts", every=15)


@require_safe
def confirm_mute(request: HttpRequest) -> HttpResponse:
    """Mute this rule?"""

    def read(stores: Stores, pulse: Pulse) -> MutePage:
        asked = request.GET.get("next", "")
        back = own_page(asked) if asked else reverse("horizon:alerts")
        return read_mute(stores, pulse, request.GET.get("rule", ""), back)

    return render_page(request, "horizon/mute.html", read, title=gettext("Mute alert"), current="alerts", every=0)


@action(Right.EDIT_ALERTS)
def mute_alert(request: HttpRequest, stores: Stores) -> Told:
    """Have a rule tell nobody for some minutes."""
    rule = request.POST.get("rule", "")
    minutes = request.POST.get("minutes", "").strip()
    if rule not in alert_options().rules:
        return messages.WARNING, telling(
            "There is no rule {rule} that is on, so nothing was muted.", rule=repr(rule[:40])
        )
    if problem := problem_with_reason(request, needed=True):
        return messages.WARNING, problem
    span = int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 9 else 0
    if not 1 <= span <= MOST_MUTE_MINUTES:
        return messages.WARNING, telling(
            "{rule} is not muted: give minutes from 1 to {most}.", rule=rule, most=MOST_MUTE_MINUTES
        )
    now = time.time()
    book.mute(book.Mute(rule=rule, since=now, until=now + 60 * span, by=name_of(request), reason=reason_in(request)))
    count_anew()
    return messages.SUCCESS, telling(
        "Muted {rule} for {time}. It is shown here, and nobody is told.", rule=rule, time=lasting(60 * span)
    )


@action(Right.EDIT_ALERTS)
def unmute_alert(request: HttpRequest, stores: Stores) -> Told:
    """Have a rule tell again."""
    rule = request.POST.get("rule", "")
    if book.unmute(rule, time.time()):
        count_anew()
        return messages.SUCCESS, telling("Unmuted {rule}. What still fires is told now.", rule=rule)
    text = (
        gettext_noop("{rule} is not muted (any more).") if rule else gettext_noop("That rule is not muted (any more).")
    )
    return messages.INFO, telling(text, rule=rule[:40])


@action(Right.EDIT_ALERTS)
def test_channel(request: HttpRequest, stores: Stores) -> Told:
    """Send a message by a channel. The process that keeps the alerts sends it, since a channel may be slow."""
    name = request.POST.get("channel", "")
    options = alert_options()
    if name not in options.channels:
        return messages.WARNING, telling("There is no channel {channel}, so nothing was sent.", channel=repr(name[:40]))
    now = time.time()
    book.queue_messages([trial(name, horizon_settings().environment, name_of(request), options.address)], now)
    if book.keeper(now) is None:
        return messages.WARNING, telling(
            "A test waits for {channel}, but nobody keeps the alerts now: it is sent when Horizon runs.", channel=name
        )
    return messages.SUCCESS, telling(
        "A test for {channel} is sent within seconds; what became of it stands beside the channel.", channel=name
    )


def count_anew() -> None:
    """Have the next page count what fires, not show what was said before. Without Redis pages count anyway."""
    try:
        open_stores(page_client()).alerts.forget()
    except RedisError as error:
        log.info("the number of alerts is not forgotten: %s", error)


PAGES: list[tuple[str, View, str]] = [
    ("alerts/", alerts, "alerts"),
    ("alerts/mute/", confirm_mute, "confirm_mute"),
    ("actions/mute-alert/", mute_alert, "mute_alert"),
    ("actions/unmute-alert/", unmute_alert, "unmute_alert"),
    ("actions/test-channel/", test_channel, "test_channel"),
]
