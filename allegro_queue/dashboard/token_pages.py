"""API tokens: those that there are, making one (its text is shown once, in the answer itself), revoking one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext
from django.views.decorators.http import require_POST, require_safe

from allegro_queue.access import View, rights_of, without_right
from allegro_queue.activity.journal import note
from allegro_queue.dashboard.acting.actions import Told, action, deed_of
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.dashboard.page.states import Status
from allegro_queue.rights import ALL_RIGHTS, WORDS, Right
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling, told_by
from allegro_queue.tokens.models import ApiToken
from allegro_queue.tokens.tokens import InvalidToken, listed, make, revoke
from allegro_queue.wording import worded

DAYS = (
    ("30", gettext_noop("30 days")),
    ("90", gettext_noop("90 days")),
    ("365", gettext_noop("a year")),
    ("", gettext_noop("until it is revoked")),
)
"""Lives that can be chosen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRow:
    """One token with its state."""

    token: ApiToken
    state: Status
    holds: bool
    created_at: float
    used_at: float | None
    expires_at: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokensPage:
    """Which programs may do what?"""

    tone: str
    sentence: str
    sub: str
    rows: tuple[TokenRow, ...]
    rights: tuple[tuple[str, str], ...]
    """What a new one may be given, with its words."""
    days: tuple[tuple[str, str], ...]
    can_make: bool
    made: str
    """Text of the token that was made just now; shown this once."""
    made_name: str


def read_tokens(request: HttpRequest, made: str = "", made_name: str = "") -> TokensPage:
    """The page: one query. Who has every right sees all tokens, others their own."""
    mine = rights_of(request)
    now = timezone.now()
    rows = tuple(row_of(each, now) for each in tokens_for(request))
    holding = sum(row.holds for row in rows)
    return TokensPage(
        tone="ok",
        sentence=worded(ngettext("{n} token holds.", "{n} tokens hold.", holding), n=count(holding))
        if holding
        else gettext("No token holds."),
        sub=gettext(
            "A token lets a program use the API. One that a person made never does more than that person may at the time."
        ),
        rows=rows,
        rights=tuple(
            (right.value, gettext(WORDS[right])) for right in Right if right in mine and right is not Right.VIEW
        ),
        days=tuple((value, gettext(words)) for value, words in DAYS),
        can_make=request.user.is_authenticated,
        made=made,
        made_name=made_name,
    )


def tokens_for(request: HttpRequest) -> Sequence[ApiToken]:
    if rights_of(request) == ALL_RIGHTS:
        return listed()
    return listed(request.user) if request.user.is_authenticated else []


def row_of(token: ApiToken, now: datetime) -> TokenRow:
    """A token with its state."""
    state, holds = Status(tone="ok", icon="ok", word=gettext("Holds")), True
    if token.revoked_at is not None:
        state, holds = Status(tone="idle", icon="idle", word=gettext("Revoked")), False
    elif token.expires_at is not None and token.expires_at <= now:
        state, holds = Status(tone="idle", icon="idle", word=gettext("Over")), False
    return TokenRow(
        token=token,
        state=state,
        holds=holds,
        created_at=token.created_at.timestamp(),
        used_at=token.used_at.timestamp() if token.used_at else None,
        expires_at=token.expires_at.timestamp() if token.expires_at else None,
    )


def page_of(request: HttpRequest, made: str = "", made_name: str = "") -> HttpResponse:
    def read(stores: Stores, pulse: Pulse) -> TokensPage:
        return read_tokens(request, made, made_name)

    return render_page(request, "horizon/tokens.html", read, title=gettext("Tokens"), current="activity", every=0)


@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    """Which programs may do what?"""
    return page_of(request)


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """Make a token for the person who asks, with rights that this person has."""
    if not request.user.is_authenticated:
        return told(request, gettext("A token needs an author: sign in first, or use manage.py horizon_token."))
    rights = request.POST.getlist("right")
    for each in rights:
        if each not in rights_of(request):
            return (
                without_right(request, Right(each))
                if each in set(Right)
                else told(request, gettext("There is no such right."))
            )
    name, days = request.POST.get("name", ""), request.POST.get("days", "")
    if days not in dict(DAYS):
        return told(request, gettext("Not made: choose how long it holds."))
    try:
        made = make(
            name,
            rights,
            now=timezone.now(),
            made_by=request.user.get_username(),
            author=request.user,
            days=int(days) if days else None,
        )
    except InvalidToken as error:
        return told(request, telling("Not made: {problem}", problem=told_by(error)).words)
    response = page_of(request, made.text, made.token.name)
    if made.text.encode() not in response.content:
        # The page could not be shown, and nobody else will ever know this one.
        revoke(made.token.pk, timezone.now())
        return response
    outcome = telling("Made the token {name} ({prefix}…).", name=made.token.name, prefix=made.token.prefix)
    note(deed_of(request, "make token", outcome, succeeded=True))
    return response


def told(request: HttpRequest, text: str) -> HttpResponse:
    """Back to the page with a message."""
    messages.warning(request, text)
    return HttpResponseRedirect(link("tokens"))


@action(Right.VIEW)
def revoke_token(request: HttpRequest, stores: Stores) -> Told:
    """Have a token hold no longer; one's own, or with every right any."""
    given = request.POST.get("token", "")
    token_id = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    if token_id not in {each.pk for each in tokens_for(request)}:
        return messages.WARNING, telling("Not revoked: none of your tokens has this number.")
    try:
        token = revoke(token_id, timezone.now())
    except InvalidToken as error:
        return messages.WARNING, telling("Not revoked: {problem}", problem=told_by(error))
    return messages.SUCCESS, telling(
        "Revoked the token {name} ({prefix}…). It lets nobody in any more.", name=token.name, prefix=token.prefix
    )


PAGES: list[tuple[str, View, str]] = [
    ("tokens/", tokens, "tokens"),
    ("actions/make-token/", make_token, "make_token"),
    ("actions/revoke-token/", revoke_token, "revoke_token"),
]
