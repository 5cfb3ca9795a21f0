"""Rules of alerts: how they stand, muting them, and testing a channel."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router

from allegro_queue.alerts import book
from allegro_queue.alerts.options import alert_options
from allegro_queue.alerts.report import reports
from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import needs
from allegro_queue.api.shapes.alerts import Alerts, MuteAsked
from allegro_queue.api.shapes.given import Name
from allegro_queue.api.shapes.told import Done
from allegro_queue.dashboard.alerts import views as alert_views
from allegro_queue.errors import did_you_mean
from allegro_queue.rights import Right

router = Router(tags=["alerts"])


@router.get("alerts", response=Alerts, summary="Rules of alerts, and how each stands")
def alerts(request: HttpRequest) -> Any:
    now, options = time.time(), alert_options()
    keeper = book.keeper(now)
    return {
        "rules": [each.as_data() for each in reports(options, now)],
        "channels": [{"name": name, "kind": each.kind} for name, each in options.channels.items()],
        "keeper": keeper.host if keeper else "",
    }


def known_rule(name: str) -> None:
    """404 unless there is a rule of this name that is on."""
    rules = list(alert_options().rules)
    if name not in rules:
        what = f"There is no rule {name!r} that is on{did_you_mean(name, rules)}"
        raise Refused(404, "path name", what, "See alerts.")


@router.post(
    "alerts/{str:name}/mute",
    response=Done,
    summary="Have a rule tell nobody for a while",
    openapi_extra=needs(Right.EDIT_ALERTS),
)
def mute_alert(request: HttpRequest, name: Name, given: Body[MuteAsked]) -> Any:
    known_rule(name)
    form = {"rule": name, "reason": given.reason, "minutes": str(given.minutes)}
    return perform(request, alert_views.mute_alert, form)


@router.post(
    "alerts/{str:name}/unmute", response=Done, summary="Have a rule tell again", openapi_extra=needs(Right.EDIT_ALERTS)
)
def unmute_alert(request: HttpRequest, name: Name) -> Any:
    known_rule(name)
    return perform(request, alert_views.unmute_alert, {"rule": name})


@router.post(
    "channels/{str:name}/test",
    response=Done,
    summary="Send a message by a channel",
    openapi_extra=needs(Right.EDIT_ALERTS),
)
def test_channel(request: HttpRequest, name: Name) -> Any:
    channels = list(alert_options().channels)
    if name not in channels:
        what = f"There is no channel {name!r}{did_you_mean(name, channels)}"
        raise Refused(404, "path name", what, "See alerts.")
    return perform(request, alert_views.test_channel, {"channel": name})
