"""Rows that hold a credential of somebody else's service."""

from __future__ import annotations

from django.db import models

from allegro.sealing import seal, unseal


class HoldsCredential(models.Model):
    """Stores the credential sealed, and opens it for whoever calls that service."""

    sealed_credential = models.TextField(blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def credential(self) -> str:
        """A password, a key or a header's value; empty when there is none. For requests to that service alone.

        Raises:
            CannotOpen: it was sealed with a key that is gone.
        """
        return unseal(self.sealed_credential)

    @credential.setter
    def credential(self, text: str) -> None:
        self.sealed_credential = seal(text)
