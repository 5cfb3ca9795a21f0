"""``manage.py horizon_token``: make, list and revoke API tokens."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext_noop

from allegro_queue.activity.journal import Deed, note
from allegro_queue.activity.models import Activity
from allegro_queue.checks import CONFIGURATION
from allegro_queue.errors import HorizonError
from allegro_queue.rights import Right
from allegro_queue.tellings import telling
from allegro_queue.tokens.models import ApiToken
from allegro_queue.tokens.tokens import listed, make, revoke


class Command(BaseCommand):
    help = "Make, list and revoke tokens of the JSON API. A token is printed once, when it is made."

    requires_system_checks = (CONFIGURATION,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        create = acts.add_parser("create", help="make a token and print it, on a line of its own")
        create.add_argument("name", help="what it is for")
        create.add_argument(
            "--right", action="append", default=[], metavar="RIGHT", help=f"one of {', '.join(Right)}; may be repeated"
        )
        create.add_argument("--days", type=int, help="how long it holds (default: until it is revoked)")
        create.add_argument("--author", help="user name of somebody whose rights bound it")
        acts.add_parser("list", help="list all tokens")
        gone = acts.add_parser("revoke", help="have a token hold no longer")
        gone.add_argument("id", type=int, help="its number in the list")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["act"] == "create":
                self.create(options)
            elif options["act"] == "revoke":
                token = revoke(options["id"], timezone.now())
                self.done("revoke token", token, gettext_noop("Revoked the token {name} ({prefix}…)."))
            else:
                self.list_tokens()
        except HorizonError as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """The token alone goes to standard output, so that it can be piped; what else is said, to standard error."""
        made = make(
            options["name"],
            options["right"],
            now=timezone.now(),
            made_by=getpass.getuser(),
            author=user_named(options["author"]) if options["author"] else None,
            days=options["days"],
        )
        self.done("make token", made.token, gettext_noop("Made the token {name} ({prefix}…)."))
        self.stderr.write("It is shown this once:")
        self.stdout.write(made.text)

    def done(self, action: str, token: ApiToken, outcome: str) -> None:
        said = telling(outcome, name=token.name, prefix=token.prefix)
        note(
            Deed(
                at=timezone.now().timestamp(),
                who=getpass.getuser(),
                via=Activity.Via.COMMAND,
                action=action,
                subject=telling("token {name}", name=str(token.pk)),
                outcome=said,
                succeeded=True,
            )
        )
        self.stderr.write(said.english)

    def list_tokens(self) -> None:
        for token in listed():
            state = state_of(token, timezone.now())
            used = f"last used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
            bound = f", bound to {token.author}" if token.author else ""
            rights = ", ".join(token.rights)
            self.stdout.write(f"{token.pk}  {token}  {state}  {used}  made by {token.made_by}{bound}  {rights}")


def state_of(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is None:
        return "holds"
    return f"{'holds until' if token.expires_at > now else 'over since'} {token.expires_at:%Y-%m-%d %H:%M}"


def user_named(name: str) -> Any:
    """The user of a name.

    Raises:
        CommandError: there is none.
    """
    users = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
    if found is None:
        raise CommandError(f"There is no user {name!r}.")
    return found
