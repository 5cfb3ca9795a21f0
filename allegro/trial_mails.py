"""The mail by which a staff user tries out what an organization has set up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.mail import EmailMessage
from django.db.models import Model, QuerySet

from allegro.accounts.models import User

Row = TypeVar("Row", bound=Model)


def mail_trial(rows: QuerySet[Row], row_id: int, user_id: int, make: Callable[[Row, str], EmailMessage]) -> str:
    """Send what ``make`` makes of the row and the user's address.

    Args:
        rows: those that belong to an organization each.

    Returns:
        What was done, in a few words.
    """
    row = rows.select_related("organization").filter(pk=row_id).first()
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if row is None or user is None:
        return "skipped: what was to be tried, or the user, was deleted"
    make(row, user.email).send()
    return "sent"
