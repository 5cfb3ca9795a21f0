"""``manage.py reseal_credentials``: seal every stored credential with the first of ``CREDENTIAL_KEYS``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allegro.audience.models import ProviderAccount
from allegro.sealing import CannotOpen, reseal


class Command(BaseCommand):
    help = "Seal every stored credential anew with the first of CREDENTIAL_KEYS, so that the older keys can be dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = 0, []
        for account in ProviderAccount.objects.exclude(sealed_credential="").select_related("organization"):
            before = account.sealed_credential
            try:
                after = reseal(before)
            except CannotOpen:
                lost.append(str(account))
                continue
            # Somebody may have entered another one meanwhile; that one stays.
            done += ProviderAccount.objects.filter(pk=account.pk, sealed_credential=before).update(
                sealed_credential=after
            )
        self.stdout.write(f"Sealed {done} {'credential' if done == 1 else 'credentials'} anew.")
        if lost:
            raise CommandError(f"No key opens the credential of: {'; '.join(lost)}. Enter them anew in the admin site.")
