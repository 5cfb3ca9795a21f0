"""What stands around every page: navigation, the bar, and the strips for conditions that hold everywhere."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.template.base import Template
from django.utils import timezone
from django.utils.translation import gettext

from allegro_queue.access import access_of, wants_fragment
from allegro_queue.alerts import book
from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.script_words import script_words
from allegro_queue.dashboard.page.shells import FRAGMENT, shell_for
from allegro_queue.dashboard.page.states import Status, status_of, status_unreachable
from allegro_queue.history.patience import TookTooLong, patience
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.pulse import Pulse

ALERTS_SECONDS = 0.5
"""How long the database is asked for the number of alerts that fire."""

log = logging.getLogger(__name__)

INTERVALS = (5, 15, 60)
"""Seconds between two refreshes that a reader can choose from; 0 is off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NavItem:
    """One line of the navigation."""

    label: str
    icon: str
    address: str
    current: bool
    count: int = 0
    counted: str = ""
    """What the count counts, for those who do not see its place."""
    bad: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """All that the frame's template shows."""

    title: str
    is_home: bool
    """Whether it is around the overview, which all other pages are under."""
    environment: str
    is_production: bool
    open_to_all: bool
    status: Status
    at: float
    """When the data was read."""
    zone: str
    interval: int
    """Seconds between two refreshes; 0 for none."""
    intervals: tuple[int, ...]
    kept: tuple[tuple[str, str], ...]
    """The rest of the query, kept when the interval is changed."""
    patient: str
    """Address of this page that waits longer for the database."""
    search: str
    """Where the search box leads; empty when there is no job list."""
    query: str
    nav: tuple[tuple[NavItem, ...], ...]
    """The pages that exist, in groups; none for a fragment, of which only the counts are taken."""
    counts: tuple[NavItem, ...]
    """Those lines of it that count something."""
    pauses: tuple[Pause, ...]
    suspended: bool
    firing: int
    """Alerts that fire and are not muted."""
    alerts: str
    """Where they stand; empty when that page is not mounted."""
    shell: str | Template
    """The template around the page."""

    @property
    def is_fragment(self) -> bool:
        return self.shell == FRAGMENT

    @property
    def is_djangos(self) -> bool:
        """Whether it is Django's own, which leaves the site's name to others."""
        return isinstance(self.shell, Template)

    @property
    def script_words(self) -> str:
        return script_words()

    @property
    def heading(self) -> str:
        """The title of the window; it says when something is wrong, since it may be all that is seen of the page."""
        mark = "" if self.status.tone == "ok" else f"({self.status.word}) "
        return f"{mark}{self.title} | Horizon"


def frame_for(
    request: HttpRequest,
    settings: HorizonSettings,
    pulse: Pulse | None,
    *,
    title: str,
    current: str,
    every: int,
    now: float,
) -> Frame:
    """The frame of one page.

    Args:
        pulse: ``None`` when Redis did not answer.
        current: name of the page, as its URL has it.
        every: seconds between two refreshes unless the reader chose otherwise.
    """
    firing = alerts_firing(pulse, now)
    is_fragment = wants_fragment(request)
    counts = counted_items(current, failed=pulse.failed if pulse else 0, firing=firing)
    return Frame(
        title=title,
        is_home=request.path == link("overview"),
        environment=settings.environment,
        is_production=settings.environment == "production",
        open_to_all=access_of(request).open_to_all,
        status=status_of(pulse, settings.connection) if pulse else status_unreachable(),
        at=now,
        zone=timezone.get_current_timezone_name(),
        interval=chosen_interval(request.GET.get("live", ""), every),
        intervals=tuple(sorted({*INTERVALS, every} - {0})),
        kept=tuple((key, value) for key, values in request.GET.lists() if key != "live" for value in values),
        patient=patient_address(request),
        search=link("jobs"),
        query=request.GET.get("q", ""),
        nav=() if is_fragment else navigation(current, *counts),
        counts=tuple(item for item in counts if item.address),
        pauses=tuple(pulse.pauses[name] for name in sorted(pulse.pauses)) if pulse else (),
        suspended=pulse.suspended if pulse else False,
        firing=firing,
        alerts=link("alerts"),
        shell=shell_for(settings.frame, is_fragment=is_fragment),
    )


def chosen_interval(given: str, every: int) -> int:
    """Seconds from ``?live=``; what is not one of the choices counts as not given."""
    if given == "off":
        return 0
    return int(given) if given in {str(each) for each in INTERVALS} else every


WAIT = ("patience", "long")
"""The pair of an address that waits longer for the database. (``wait`` is a term of the job list.)"""


def waits_long(request: HttpRequest) -> bool:
    return request.GET.get(WAIT[0]) == WAIT[1]


def patient_address(request: HttpRequest) -> str:
    """The same page, and the reader is ready to wait for it."""
    query = request.GET.copy()
    query[WAIT[0]] = WAIT[1]
    return f"{request.path}?{query.urlencode()}"


def alerts_firing(pulse: Pulse | None, now: float) -> int:
    """How many alerts fire, as who keeps them has said. While nobody does, or Redis is away, the database is asked; none
    while that cannot be read either, since a page must not fail for its frame."""
    if pulse is not None and pulse.alerts_firing is not None:
        return pulse.alerts_firing
    try:
        with patience(ALERTS_SECONDS, counting=ALERTS_SECONDS):
            return book.firing_count(now)
    except (DatabaseError, InterfaceError, TookTooLong) as error:
        log.warning("alerts cannot be read: %s", error or "the database did not answer in time")
        return 0


def counted_items(current: str, *, failed: int, firing: int) -> tuple[NavItem, NavItem]:
    """The lines for failures and for alerts, which say how many there are."""
    return (
        NavItem(
            label=gettext("Failures"),
            icon="failures",
            address=link("failures"),
            current=current == "failures",
            count=failed,
            counted=gettext("failed jobs"),
        ),
        NavItem(
            label=gettext("Alerts"),
            icon="alerts",
            address=link("alerts"),
            current=current == "alerts",
            count=firing,
            counted=gettext("alerts that fire"),
            bad=True,
        ),
    )


def navigation(current: str, failures: NavItem, alerts: NavItem) -> tuple[tuple[NavItem, ...], ...]:
    """The pages that exist, in groups."""
    groups = (
        (
            NavItem(
                label=gettext("Overview"), icon="overview", address=link("overview"), current=current == "overview"
            ),
            NavItem(label=gettext("Jobs"), icon="jobs", address=link("jobs"), current=current == "jobs"),
            failures,
        ),
        (
            NavItem(label=gettext("Queues"), icon="queues", address=link("queues"), current=current == "queues"),
            NavItem(label=gettext("Workers"), icon="workers", address=link("workers"), current=current == "workers"),
            NavItem(label=gettext("Batches"), icon="batches", address=link("batches"), current=current == "batches"),
            NavItem(
                label=gettext("Schedule"), icon="schedule", address=link("schedule"), current=current == "schedule"
            ),
        ),
        (
            NavItem(label=gettext("Metrics"), icon="metrics", address=link("metrics"), current=current == "metrics"),
            NavItem(
                label=gettext("Monitoring"),
                icon="monitoring",
                address=link("monitoring"),
                current=current == "monitoring",
            ),
        ),
        (
            alerts,
            NavItem(
                label=gettext("Activity"), icon="activity", address=link("activity"), current=current == "activity"
            ),
            NavItem(label=gettext("Health"), icon="health", address=link("health"), current=current == "health"),
        ),
    )
    mounted = (tuple(item for item in group if item.address) for group in groups)
    return tuple(group for group in mounted if group)
