"""Who may see the dashboard: super admins only."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext

from allegro.accounts.super_admins import why_not_super_admin
from allegro_queue.access import Access


def view_horizon(request: HttpRequest) -> Access:
    """The gate ``viewHorizon``: Alley staff with a verified address of a staff domain."""
    user = request.user
    if not user.is_authenticated:
        return Access(False, gettext("You are not signed in."), sign_in=True)
    reason = why_not_super_admin(user)
    return Access(not reason, reason)
