"""What other apps may hear of."""

from __future__ import annotations

from django.dispatch import Signal

signing_in = Signal()
"""A member is about to be signed in, with profiles as fresh as they get: ``member``, and the ``request``, whose session
what a receiver knows may be put into. Sent before the session counts as the member's; what a receiver raises is logged
and keeps nobody out."""
