"""``manage.py horizon_alerts``: the rules and how they stand; try a channel, mute a rule."""

from __future__ import annotations

import getpass
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext_noop

from allegro_queue.activity.journal import Deed, note
from allegro_queue.activity.models import Activity
from allegro_queue.alerts import book
from allegro_queue.alerts.channels import NotTaken, send
from allegro_queue.alerts.options import AlertOptions, alert_options
from allegro_queue.alerts.process import look_once, run_alerts
from allegro_queue.alerts.report import RuleReport, reports
from allegro_queue.alerts.wording import trial
from allegro_queue.checks import CONFIGURATION
from allegro_queue.conf import horizon_settings
from allegro_queue.durations import InvalidDuration, seconds_in
from allegro_queue.errors import HorizonError, did_you_mean
from allegro_queue.management.alert_facts import alert_sources
from allegro_queue.management.tables import aligned, as_json
from allegro_queue.spans import lasting
from allegro_queue.tellings import Telling, telling

LONGEST_MUTE = 30 * 86400


class Command(BaseCommand):
    help = (
        "Show the rules of alerts and how each stands. test NAME sends a message by a channel, or by those of a rule; "
        "mute and unmute a rule; watch keeps the alerts without Horizon, on a host of its own, say."
    )

    requires_system_checks = (CONFIGURATION,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        deeds = parser.add_subparsers(dest="deed", title="deeds")
        test = deeds.add_parser("test", help="send a message, and say whether it was taken")
        test.add_argument("name", help="a channel, or a rule")
        mute = deeds.add_parser("mute", help="have a rule tell nobody for a while")
        mute.add_argument("name", help="the rule")
        mute.add_argument("--for", dest="duration", required=True, help="how long: 30m, 2h, 1d")
        mute.add_argument("--reason", required=True, help="why, for those who wonder")
        unmute = deeds.add_parser("unmute", help="have it tell again")
        unmute.add_argument("name", help="the rule")
        watch = deeds.add_parser("watch", help="look and tell until SIGTERM; beside Horizon's own, only one tells")
        watch.add_argument(
            "--once",
            action="store_true",
            help="look and tell once, unless somebody keeps the alerts: for cron, in case every Horizon process is gone",
        )
        watch.add_argument("--every", type=seconds_from, default=5, help="seconds between two looks (default: 5)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["deed"]:
                case "test":
                    self.test(options["name"])
                case "mute":
                    self.mute(options["name"], options["duration"], options["reason"])
                case "unmute":
                    self.unmute(options["name"])
                case "watch" if options["once"]:
                    if not look_once(alert_sources()):
                        raise CommandError("The database of alerts did not answer, so nobody was told of anything.")
                case "watch":
                    run_alerts(alert_sources(), every=options["every"])
                case _:
                    with translation.override("en"):
                        self.show(reports(alert_options(), time.time()), json=options["json"])
        except HorizonError as error:
            raise CommandError(str(error)) from error

    def show(self, found: list[RuleReport], *, json: bool) -> None:
        """The table."""
        if json:
            self.stdout.write(as_json([each.as_data() for each in found]))
            return
        rows = [
            [each.name, each.state, moment(each.since), each.limit, ", ".join(each.channels) or "nobody", each.said]
            for each in found
        ]
        self.stdout.write(aligned(["RULE", "STATE", "SINCE (UTC)", "LIMIT", "TELLS", "WHAT"], rows))
        keeper = book.keeper(time.time())
        self.stdout.write(
            f"Kept by pid {keeper.pid} on {keeper.host}."
            if keeper
            else "Nobody keeps the alerts now, so nobody is told: start Horizon, or manage.py horizon_alerts watch."
        )

    def test(self, name: str) -> None:
        """Send a message now, from here."""
        options = alert_options()
        names = channels_called(name, options)
        failed = []
        for each in names:
            message = trial(each, horizon_settings().environment, getpass.getuser(), options.address)
            try:
                send(options.channels[each], message.subject, message.body)
            except NotTaken as error:
                failed.append(each)
                self.stderr.write(self.style.ERROR(f"{each}: not taken: {error}"))
            else:
                self.stdout.write(f"{each}: taken ({options.channels[each].kind})")
        if failed:
            raise CommandError(f"{len(failed)} of {len(names)} did not take the message.")

    def mute(self, name: str, duration: str, reason: str) -> None:
        now = time.time()
        check_rule(name)
        seconds = seconds_in(duration)
        if seconds > LONGEST_MUTE:
            raise InvalidDuration(
                "A rule is muted for 30 days at the most; switch it off in HORIZON['alerts'] instead."
            )
        by = getpass.getuser()
        book.mute(book.Mute(rule=name, since=now, until=now + seconds, by=by, reason=reason))
        self.told("mute alert", name, telling("Muted {rule} for {time}.", rule=name, time=lasting(seconds)), reason)

    def unmute(self, name: str) -> None:
        check_rule(name)
        was = book.unmute(name, time.time())
        text = gettext_noop("Unmuted {rule}.") if was else gettext_noop("{rule} was not muted.")
        self.told("unmute alert", name, telling(text, rule=name))

    def told(self, action: str, rule: str, outcome: Telling, reason: str = "") -> None:
        """Say what was done, here and in the journal."""
        note(
            Deed(
                at=time.time(),
                who=getpass.getuser(),
                via=Activity.Via.COMMAND,
                action=action,
                subject=telling("rule {name}", name=rule),
                reason=reason,
                outcome=outcome,
                succeeded=True,
            )
        )
        self.stdout.write(outcome.english)


def seconds_from(text: str) -> int:
    """Seconds between two looks, from 1 to 15: a keeper that says nothing for longer loses its turn."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 15:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 1 to 15.")
    return int(text)


def channels_called(name: str, options: AlertOptions) -> tuple[str, ...]:
    """The channel of this name, or the channels of this rule.

    Raises:
        HorizonError: there is none.
    """
    if name in options.channels:
        return (name,)
    if name in options.rules:
        if not options.rules[name].channels:
            raise HorizonError(f"The rule {name} tells nobody: HORIZON['alerts'] names no channel for it.")
        return options.rules[name].channels
    raise HorizonError(f"{name!r} is no channel and no rule{did_you_mean(name, [*options.channels, *options.rules])}")


def check_rule(name: str) -> None:
    """Raises ``HorizonError`` unless a rule of this name is on."""
    rules = alert_options().rules
    if name not in rules:
        raise HorizonError(f"{name!r} is no rule that is on{did_you_mean(name, rules)}")


def moment(at: float | None) -> str:
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
