"""Secrets at rest: what is stored is sealed, and only code that must show it to its owner's service opens it.

``CREDENTIAL_KEYS`` holds Fernet keys. The first seals; all of them open, so that a new key can be put in front and the
old one dropped once ``manage.py reseal_credentials`` has run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from allegro_queue.tellings import telling


class CannotOpen(Exception):
    """A sealed text was sealed with a key that ``CREDENTIAL_KEYS`` no longer has, or was changed since."""

    def __init__(self) -> None:
        super().__init__(
            telling(
                "A stored credential cannot be opened: it was sealed with a key that CREDENTIAL_KEYS does not have. "
                "Put that key back at the end of CREDENTIAL_KEYS, or enter the credential anew."
            )
        )


def seal(text: str) -> str:
    """The text as it may be stored; an empty text stays empty."""
    return box().encrypt(text.encode()).decode("ascii") if text else ""


def unseal(sealed: str) -> str:
    """The text that was sealed.

    Raises:
        CannotOpen: no key fits.
    """
    if not sealed:
        return ""
    try:
        return box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen from None


def reseal(sealed: str) -> str:
    """The same text under the first key.

    Raises:
        CannotOpen: no key fits.
    """
    try:
        return box().rotate(sealed.encode()).decode("ascii") if sealed else ""
    except InvalidToken:
        raise CannotOpen from None


def box() -> MultiFernet:
    """The keys as they are now."""
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def key_problems(keys: Sequence[str]) -> list[str]:
    """What is wrong with the keys, in words that do not repeat them."""
    problems = []
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            problems.append(
                f"CREDENTIAL_KEYS: key {place} is not a Fernet key (32 bytes in URL-safe base64). Make one with: "
                'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
            )
    return problems


def key_from(secret: str) -> str:
    """A key made of another secret, for installations that name none."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"allegro.sealing:" + secret.encode()).digest()).decode("ascii")
