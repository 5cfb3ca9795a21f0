"""What a member's admin page says beside the sources' profiles: rounds, runs of jobs, webhook deliveries, sign-in links.

Each is read through one index and cut short, however much there is; nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from allegro.audience.models import Member, ProviderAccount, SyncRound
from allegro.magic_links.models import MagicLink
from allegro.webhooks.models import Delivery
from allegro_queue.access import decide
from allegro_queue.dashboard.page.links import link, link_to
from allegro_queue.history.filters import Filter
from allegro_queue.history.run_pages import find_runs

SHOWN = 10
"""Rows of each part."""

SHOWN_OF_A_PROVIDER = 3
MOST_PROVIDERS = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place, and where it leads if anywhere."""

    text: str
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A table of the page."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    nothing: str
    """What to say where there are no rows."""
    more: Cell = field(default=Cell(""))
    """Where all of them are."""


def parts_of(member: Member, request: HttpRequest) -> list[Part]:
    """The parts that whoever asks may see."""
    may = request.user.has_perm
    on_horizon = decide(request).allowed
    return [
        *([rounds(member)] if may("audience.view_syncround") else []),
        *([runs(member)] if on_horizon else []),
        *([deliveries(member)] if may("webhooks.view_delivery") else []),
        *([sign_in_links(member)] if may("magic_links.view_magiclink") else []),
    ]


def rounds(member: Member) -> Part:
    """The latest rounds of the organization's providers, and whether they have come to this member."""
    accounts = ProviderAccount.objects.filter(organization_id=member.organization_id)[:MOST_PROVIDERS]
    found = [
        (account, step)
        for account in accounts
        for step in account.rounds.filter(started_at__gte=member.created_at)[:SHOWN_OF_A_PROVIDER]
    ]
    found.sort(key=lambda pair: pair[1].started_at, reverse=True)
    return Part(
        heading=gettext("Rounds"),
        columns=(gettext("Started"), gettext("Provider"), gettext("This member")),
        rows=[
            (
                Cell(when(step.started_at), reverse("admin:audience_syncround_change", args=[step.pk])),
                Cell(account.provider),
                Cell(standing_in(step, member)),
            )
            for account, step in found
        ],
        nothing=gettext("No round has begun since this member came."),
    )


def standing_in(step: SyncRound, member: Member) -> str:
    """Whether a round has come to the member. It goes by id, and remembers how far it is."""
    is_reached = step.dispatched_at is not None or (step.cursor is not None and step.cursor >= member.pk)
    return gettext("Reached") if is_reached else gettext("Not reached yet")


def runs(member: Member) -> Part:
    """The latest runs of jobs that carry the member's tag, whatever they did."""
    tag = f"member:{member.pk}"
    try:
        found = find_runs(Filter(tag=tag), limit=SHOWN).rows
    except (DatabaseError, InterfaceError):
        # History may be in a database of its own, whose absence is no reason to show nothing of the member.
        return Part(
            heading=gettext("Runs of jobs"),
            columns=(),
            rows=(),
            nothing=gettext("The database of history does not answer."),
        )
    return Part(
        heading=gettext("Runs of jobs"),
        columns=(gettext("Ended"), gettext("Job"), gettext("Outcome"), gettext("Took")),
        rows=[
            (
                Cell(when(datetime.fromtimestamp(run.ended_at, UTC)), link("job", job_id=run.job_id)),
                Cell(run.name.rpartition(".")[2]),
                Cell(f"{run.outcome}: {run.exception}" if run.exception else run.outcome),
                Cell(f"{run.run_seconds:.1f} s"),
            )
            for run in found
        ],
        nothing=gettext("No job about this member has ended yet."),
        more=Cell(gettext("All on Horizon"), link_to("jobs", [("tag", tag)])),
    )


def deliveries(member: Member) -> Part:
    """The latest deliveries of events about the member."""
    latest = (
        Delivery.objects.filter(event__member=member)
        .select_related("event", "endpoint")
        .order_by("-created_at")[:SHOWN]
    )
    return Part(
        heading=gettext("Webhook deliveries"),
        columns=(gettext("Queued"), gettext("Event"), gettext("Endpoint"), gettext("State"), gettext("Answer")),
        rows=[
            (
                Cell(when(each.created_at), reverse("admin:webhooks_delivery_change", args=[each.pk])),
                Cell(each.event.type),
                Cell(str(each.endpoint)),
                Cell(each.get_state_display()),
                Cell(str(each.status_code or each.error)),
            )
            for each in latest
        ],
        nothing=gettext("No event about this member was sent anywhere."),
    )


def sign_in_links(member: Member) -> Part:
    """The latest links that were asked for with the member's address."""
    latest = MagicLink.objects.filter(organization_id=member.organization_id, email=member.email.lower())[:SHOWN]
    return Part(
        heading=gettext("Sign-in links"),
        columns=(gettext("Asked for"), gettext("Mailed"), gettext("Used"), gettext("Replaced")),
        rows=[
            (
                Cell(when(each.requested_at), reverse("admin:magic_links_magiclink_change", args=[each.pk])),
                *(Cell(when(at) if at else "-") for at in (each.sent_at, each.used_at, each.voided_at)),
            )
            for each in latest
        ],
        nothing=gettext("No link was asked for with this address."),
    )


def when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
