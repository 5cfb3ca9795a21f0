"""``manage.py audience_sync``: how the providers stand, and a round or one member's sync by hand."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from allegro.audience.by_hand import start_round
from allegro.audience.faults import words_of
from allegro.audience.jobs import sync_member
from allegro.audience.models import Member, ProviderAccount, SyncRun
from allegro.audience.providers import registered
from allegro.audience.queueing import queue_members
from allegro_queue.errors import HorizonError, did_you_mean


class Command(BaseCommand):
    help = "Show how the providers stand; begin a round of one, or sync one member with it."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="every account: health, last round, last error")
        run = actions.add_parser("run", help="begin a round of a provider, whether it is due or not")
        run.add_argument("provider", help="its name, such as mailchimp")
        run.add_argument("--organization", metavar="SLUG", help="of this organization alone")
        run.add_argument("--member", metavar="ADDRESS", help="for this member (e-mail address or id) alone")
        run.add_argument("--now", action="store_true", help="with --member: ask from here, instead of queueing a job")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "status":
            self.show_status()
            return
        if options["now"] and not options["member"]:
            raise CommandError("--now goes with --member: a round is made of many jobs.")
        accounts = self.accounts_of(options["provider"], options["organization"])
        try:
            if options["member"]:
                self.sync_one(accounts, options["member"], options["now"])
            else:
                self.begin_rounds(accounts)
        except HorizonError as error:
            raise CommandError(str(error)) from error

    def accounts_of(self, provider: str, slug: str | None) -> QuerySet[ProviderAccount]:
        """Enabled accounts with this provider."""
        if provider not in registered():
            raise CommandError(f"No app has registered the provider {provider!r}{did_you_mean(provider, registered())}")
        accounts = ProviderAccount.objects.filter(provider=provider, enabled=True).select_related("organization")
        if slug:
            accounts = accounts.filter(organization__slug=slug)
        if not accounts.exists():
            whose = f"Organization {slug!r} has" if slug else "No organization has"
            missing = "no" if slug else "an"
            raise CommandError(f"{whose} {missing} enabled account with {provider!r}.")
        return accounts

    def begin_rounds(self, accounts: QuerySet[ProviderAccount]) -> None:
        for account in accounts:
            begun = start_round(account)
            self.stdout.write(f"{account}: {'a round begins.' if begun else f'not begun; {begun.reason}'}")

    def sync_one(self, accounts: QuerySet[ProviderAccount], given: str, now: bool) -> None:
        members = Member.objects.filter(organization_id__in=accounts.values("organization_id"))
        try:
            members = members.filter(pk=uuid.UUID(given))
        except ValueError:
            members = members.filter(email__iexact=given)
        if not members:
            raise CommandError(f"There is no member {given!r} in the organizations that use this provider.")
        for member in members:
            account = accounts.get(organization_id=member.organization_id)
            if not now:
                queued = queue_members(account, [member.pk])
                self.stdout.write(f"{account}: {'queued.' if queued else 'a job for this member waits already.'}")
                continue
            try:
                self.stdout.write(f"{account}: {sync_member(account.pk, str(member.pk))}")
            except Exception as error:  # noqa: BLE001 - providers are other people's code
                raise CommandError(f"{account}: {words_of(error)}") from None

    def show_status(self) -> None:
        runs = {(run.organization_id, run.provider): run for run in SyncRun.objects.all()}
        for account in ProviderAccount.objects.select_related("organization").order_by(
            "organization__slug", "provider"
        ):
            run = runs.get((account.organization_id, account.provider), SyncRun())
            dispatched = f"{run.last_dispatched_at:%Y-%m-%d %H:%M:%S}" if run.last_dispatched_at else "never"
            state = "on" if account.enabled else "off"
            line = f"{account.organization.slug}  {account.provider}  {state}  last round {dispatched}"
            line += f"  failures in a row {run.failures_in_a_row}"
            if run.failures_in_a_row:
                line += f" ({run.last_error})"
            self.stdout.write(line)
