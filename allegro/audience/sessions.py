"""A member's session: identified once an address was given, authenticated once a mailed link was used.

It lives beside a staff sign-in in the same browser session and shares nothing with it: ``request.user`` knows no members.
"""

from __future__ import annotations

import uuid

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from allegro.audience.models import Member

IDENTIFIED = "member_identified_as"
AUTHENTICATED = "member_id"


def identify(request: HttpRequest, email: str) -> None:
    """Note who this session says it is; proves nothing."""
    request.session[IDENTIFIED] = email


def identified_as(request: HttpRequest) -> str:
    """The address that this session has given, or an empty text."""
    return str(request.session.get(IDENTIFIED, ""))


def sign_in(request: HttpRequest, member: Member) -> None:
    """Make this the member's session, under a new key: one that somebody planted before is worth nothing."""
    request.session.cycle_key()
    rotate_token(request)
    request.session[IDENTIFIED] = member.email
    request.session[AUTHENTICATED] = str(member.pk)


def signed_in_member(request: HttpRequest) -> Member | None:
    """The member whose session this is, as the database has them now."""
    try:
        member_id = uuid.UUID(request.session[AUTHENTICATED])
    except (KeyError, ValueError):
        return None
    return Member.objects.select_related("organization").filter(pk=member_id).first()


def sign_out(request: HttpRequest) -> None:
    """Forget the member; a staff sign-in in the same browser stays."""
    for key in (IDENTIFIED, AUTHENTICATED):
        request.session.pop(key, None)
    request.session.cycle_key()
    rotate_token(request)
