"""Who is a super admin: defined here, once."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.conf import settings
from django.utils.translation import gettext

from allegro.accounts.models import User

PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]+@([A-Za-z0-9.-]+)")


def staff_domain_of(address: str, domains: Collection[str]) -> str | None:
    """The staff domain an address belongs to, or ``None``.

    Plain ASCII with one ``@``; no ``%``, quotes or white space. The domain is lower-cased and compared whole; nothing is
    normalised, since look-alikes become equal that way.
    """
    match = PLAIN_ADDRESS.fullmatch(address)
    if match is None:
        return None
    domain = match.group(1).lower()
    return domain if domain in {each.lower() for each in domains} else None


def why_not_super_admin(user: User) -> str:
    """Which condition fails, in words for that person; empty for a super admin."""
    if not user.is_active:
        return gettext("Your account is not active.")
    if not user.is_staff:
        return gettext("Your account is not a staff account.")
    if not user.is_email_verified:
        return gettext("Your e-mail address is not verified.")
    if staff_domain_of(user.email, settings.HORIZON_STAFF_DOMAINS) is None:
        return gettext("Your e-mail address is not in a staff domain.")
    return ""
