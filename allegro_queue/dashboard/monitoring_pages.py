"""Monitoring: following a customer or an object by its tag."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.contrib import messages
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.acting.actions import Told, action, name_of
from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.pairs import pairs_of
from allegro_queue.dashboard.filters.terms import Term
from allegro_queue.dashboard.jobs.source import read_history_state
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link_to
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.history.followed_tags import MOST_FOLLOWED, TagRow, follow, followed_tags, stop_following
from allegro_queue.history.known_names import names_known
from allegro_queue.history.tags import LONGEST_TAG
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling, told_by
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowedRow:
    """One tag that is followed."""

    row: TagRow
    address: str
    """All its jobs, in any state."""
    failed_address: str
    retried_address: str
    succeeded_address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MonitoringPage:
    """What became of this customer's jobs?"""

    tone: str
    sentence: str
    sub: str
    note: str
    rows: tuple[FollowedRow, ...]
    hints: tuple[str, ...]
    longest: int
    full: bool


def read_monitoring(stores: Stores, pulse: Pulse) -> MonitoringPage:
    """The page: one round trip, three queries."""
    settings = horizon_settings()
    history = read_history_state(stores, is_on=settings.history, now=pulse.at)
    tags = followed_tags()
    hints = tuple(names_known("tag", now=pulse.at, most=100)) if settings.tag_prefixes else ()
    return monitoring_page(tags, history.note, hints)


def monitoring_page(tags: list[TagRow], note: str, hints: tuple[str, ...]) -> MonitoringPage:
    """The page, from what was read."""
    failing = [each for each in tags if each.failed]
    if not tags:
        sentence = gettext("No tag is followed.")
    elif failing:
        worst = max(failing, key=lambda each: each.failed)
        sentence = worded(
            ngettext(
                "{tag} has failed {n} time since it is followed.",
                "{tag} has failed {n} times since it is followed.",
                worst.failed,
            ),
            n=count(worst.failed),
            tag=worst.tag,
        )
    else:
        sentence = worded(
            ngettext("{n} tag is followed; nothing failed.", "{n} tags are followed; nothing failed.", len(tags)),
            n=count(len(tags)),
        )
    return MonitoringPage(
        tone="ok",
        sentence=sentence,
        sub=gettext("Runs of jobs that carry a tag are counted from the moment it is followed, for everybody here."),
        note=note,
        rows=tuple(
            FollowedRow(
                row=each,
                address=jobs_of(each.tag, ALL),
                succeeded_address=jobs_of(each.tag, "finished"),
                failed_address=jobs_of(each.tag, "failed,lost"),
                retried_address=jobs_of(each.tag, "retried"),
            )
            for each in tags
        ),
        hints=hints,
        longest=LONGEST_TAG,
        full=len(tags) >= MOST_FOLLOWED,
    )


def jobs_of(tag: str, states: str) -> str:
    """The jobs that carry it."""
    return link_to(
        "jobs", pairs_of([Term(key="state", values=tuple(states.split(","))), Term(key="tag", values=(tag,))])
    )


@require_safe
def monitoring(request: HttpRequest) -> HttpResponse:
    """What became of this customer's jobs?"""
    return render_page(
        request, "horizon/monitoring.html", read_monitoring, title=gettext("Monitoring"), current="monitoring", every=15
    )


@action(Right.EDIT_ALERTS)
def follow_tag(request: HttpRequest, stores: Stores) -> Told:
    """Follow a tag. It is counted for all, so it takes the right to change what all are told."""
    tag = request.POST.get("tag", "").strip()
    if len(tag) > LONGEST_TAG:
        return messages.WARNING, telling("Not followed: a tag has {most} characters at most.", most=LONGEST_TAG)
    try:
        is_new = follow(tag, by=name_of(request), now=time.time())
    except ValueError as error:
        return messages.WARNING, telling("Not followed: {problem}", problem=told_by(error))
    except DatabaseError:
        return messages.ERROR, telling("Not followed: the database of history did not take it.")
    if is_new:
        return messages.SUCCESS, telling("Following {tag}.", tag=tag)
    return messages.INFO, telling("Following {tag} already.", tag=tag)


@action(Right.EDIT_ALERTS)
def stop_following_tag(request: HttpRequest, stores: Stores) -> Told:
    """Follow a tag no longer."""
    tag = request.POST.get("tag", "")
    if stop_following(tag):
        return messages.SUCCESS, telling("Stopped following {tag}. Its jobs can still be found by it.", tag=tag)
    text = gettext_noop("Nobody follows {tag}.") if tag else gettext_noop("Nobody follows that tag.")
    return messages.INFO, telling(text, tag=tag[:LONGEST_TAG])


PAGES: list[tuple[str, View, str]] = [
    ("monitoring/", monitoring, "monitoring"),
    ("actions/follow-tag/", follow_tag, "follow_tag"),
    ("actions/stop-following-tag/", stop_following_tag, "stop_following_tag"),
]
