"""Proof that a staff user reads the mail of their address: a signed link that is mailed there and runs out."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from allegro.accounts.models import User

SALT = "allegro.accounts.verification"

LIFE_HOURS = 24


def make_token(user: User) -> str:
    """A signed token for this user's present address. It is worth nothing once the address or its state has changed."""
    return signing.dumps([user.pk, user.email, state_of(user)], salt=SALT)


def user_of(token: str) -> User | None:
    """The user whom the token would verify; ``None`` when it is forged, too old, used, or for an earlier address."""
    try:
        pk, email, state = signing.loads(token, salt=SALT, max_age=LIFE_HOURS * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or user.email != email or state_of(user) != state:
        return None
    return user


def state_of(user: User) -> str:
    """When the address was last verified: part of the token, so that using it once spends it."""
    return user.email_verified_at.isoformat() if user.email_verified_at else ""


def message(user: User) -> EmailMessage:
    """The mail with the link. It leads to ``SITE_URL``, never to the host that a request named."""
    address = f"{settings.SITE_URL}{reverse('accounts:verify', args=[make_token(user)])}"
    body = render_to_string("mail/verify_staff.txt", {"user": user, "address": address, "hours": LIFE_HOURS})
    return EmailMessage(subject="Verify your address for Allegro", body=body, to=[user.email])
