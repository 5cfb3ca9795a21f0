"""Signatures of deliveries, by the Standard Webhooks scheme. That they are signed, and so, is this port's own choice."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the scheme marks a secret, not one
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret in the form of the scheme: a mark, then random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def signature_headers(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """What the scheme adds to a request.

    Args:
        secrets: those in force, newest first; while two are, a receiver that knows either accepts.
        message_id: the same for each attempt, so that a receiver can tell a repetition.
        at: when this attempt is sent.
    """
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(each).sign(message_id, at, text) for each in secrets),
    }
