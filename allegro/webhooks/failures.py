"""How a delivery fails."""

from __future__ import annotations

from allegro.webhooks.models import Delivery


class DeliveryFailed(Exception):
    """The endpoint did not take the event; the delivery's row says more."""


def end_untried(delivery: Delivery, error: str) -> None:
    """Fail the delivery without a try."""
    delivery.state, delivery.error, delivery.due_at = Delivery.State.FAILED, error, None
    delivery.save(update_fields=["state", "error", "due_at"])
