"""``HORIZON["alerts"]`` as frozen values, with every fault in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any

from allegro_queue.alerts.rule import Rule, Unit
from allegro_queue.alerts.rules import RULES
from allegro_queue.conf import admin_addresses, horizon_settings, snake_case
from allegro_queue.durations import InvalidDuration, seconds_in
from allegro_queue.errors import did_you_mean
from allegro_queue.tellings import Telling, telling, telling_of, verbatim

KEYS = ("rules", "channels", "repeat", "quiet", "address")
RULE_KEYS = ("threshold", "least", "for", "clear", "repeat", "quiet", "channels")
CHANNEL_KEYS = ("mail", "apprise", "timeout")

ADMINS = "admins"
"""The channel where the settings name none: mail to Django's ``ADMINS``."""

CLEAR_SECONDS = 30.0
"""How long nothing must be wrong before it is said to be over, so that what comes and goes is told once."""

CHANNEL_SECONDS = 20
"""How long a channel may take for one message."""

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A stretch of the day, in the site's zone, in which nobody is told; may go over midnight."""

    start: time
    end: time

    def hold(self, moment: time) -> bool:
        """Whether a time of day lies in them."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """Somewhere that messages go."""

    name: str
    mail: tuple[str, ...] = ()
    """Addresses, by Django's mail."""
    apprise: tuple[str, ...] = field(default=(), repr=False)
    """Addresses of Apprise. They hold secrets: shown nowhere."""
    timeout: int = CHANNEL_SECONDS
    """Seconds that one message may take."""

    @property
    def ways(self) -> tuple[Telling, ...]:
        """Where it leads, in words that tell no secret: ``mail to 2 addresses``, ``slack``."""
        schemes = sorted({each.partition("://")[0].lower() for each in self.apprise})
        mails = (
            telling("mail to {address}", address=self.mail[0])
            if len(self.mail) == 1
            else telling_of("mail to {n} address", "mail to {n} addresses", len(self.mail))
        )
        return *([mails] if self.mail else ()), *map(verbatim, schemes)

    @property
    def kind(self) -> str:
        """The same in English."""
        return ", ".join(each.english for each in self.ways)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleOptions:
    """One rule as it is to be kept."""

    rule: Rule
    threshold: float
    least: int
    after: float
    """Seconds that it must hold before it fires."""
    clear: float
    """Seconds that nothing must be wrong before it is over."""
    repeat: float
    """Seconds between two messages while it fires; 0 for one message only."""
    quiet: tuple[QuietHours, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertOptions:
    """The whole."""

    rules: Mapping[str, RuleOptions]
    """Those that are on, by name."""
    channels: Mapping[str, Channel]
    address: str
    """Where the dashboard is, for the links in messages; empty when it is not said."""


def alert_options() -> AlertOptions:
    """The options of the settings as they are now; what is faulty in them keeps its default, and the checks tell."""
    return parse_alerts(horizon_settings().alerts, admin_addresses())[0]


def parse_alerts(given: Mapping[str, Any], admins: Sequence[str]) -> tuple[AlertOptions, list[str]]:
    """The options and every fault; what is faulty keeps its default.

    Args:
        admins: addresses that mail goes to when no channel is named.
    """
    problems = [
        f"HORIZON['alerts'] has an unknown key {key!r}{did_you_mean(snake_case(str(key)), KEYS)}"
        for key in given
        if snake_case(str(key)) not in KEYS
    ]
    wanted = {snake_case(str(key)): value for key, value in given.items()}
    channels = dict(channels_in(wanted.get("channels", {}), problems))
    if "channels" not in wanted and admins:
        channels = {ADMINS: Channel(name=ADMINS, mail=tuple(admins))}
    repeat = seconds("HORIZON['alerts']['repeat']", wanted["repeat"], problems) if "repeat" in wanted else None
    quiet = quiet_hours("HORIZON['alerts']['quiet']", wanted.get("quiet", ()), problems)
    address = wanted.get("address", "")
    if not isinstance(address, str) or (address and not re.match(r"https?://", address)):
        problems.append(
            f"HORIZON['alerts']['address'] is {address!r}; it must be an address such as https://example.com/horizon/."
        )
        address = ""
    rules = dict(rules_in(wanted.get("rules", {}), channels, repeat, quiet, problems))
    return AlertOptions(rules=rules, channels=channels, address=address), problems


def channels_in(given: Any, problems: list[str]) -> Iterator[tuple[str, Channel]]:
    """The channels, by name."""
    where = "HORIZON['alerts']['channels']"
    if not isinstance(given, Mapping):
        problems.append(f"{where} must be a dict of channels by name.")
        return
    for name, options in given.items():
        here = f"{where}[{name!r}]"
        if not isinstance(name, str) or not NAME.fullmatch(name):
            problems.append(f"{here}: a channel's name is up to 40 letters, digits, '_' and '-'.")
            continue
        # The value may hold a secret, so it is never quoted.
        if not isinstance(options, Mapping):
            problems.append(f"{here} must be a dict with 'mail' or 'apprise'.")
            continue
        for key in options:
            if key not in CHANNEL_KEYS:
                problems.append(f"{here} has an unknown key {key!r}{did_you_mean(str(key), CHANNEL_KEYS)}")
        mail, apprise = (texts(options.get(key, ())) for key in ("mail", "apprise"))
        if mail is None or any("@" not in each for each in mail):
            problems.append(f"{here}['mail'] must be a mail address or a list of them.")
        if apprise is None or any("://" not in each for each in apprise):
            problems.append(f"{here}['apprise'] must be an address of Apprise, such as slack://…, or a list of them.")
        if not mail and not apprise and mail is not None and apprise is not None:
            problems.append(f"{here} leads nowhere; give it 'mail' or 'apprise'.")
        timeout = options.get("timeout", CHANNEL_SECONDS)
        if not isinstance(timeout, int) or isinstance(timeout, bool) or not 1 <= timeout <= 120:
            problems.append(f"{here}['timeout'] is {timeout!r}; it must be seconds from 1 to 120.")
            timeout = CHANNEL_SECONDS
        yield name, Channel(name=name, mail=mail or (), apprise=apprise or (), timeout=timeout)


def rules_in(
    given: Any,
    channels: Mapping[str, Channel],
    repeat: float | None,
    quiet: tuple[QuietHours, ...],
    problems: list[str],
) -> Iterator[tuple[str, RuleOptions]]:
    """The rules that are on."""
    where = "HORIZON['alerts']['rules']"
    if not isinstance(given, Mapping):
        problems.append(f"{where} is {given!r}; it must be a dict of rules by name.")
        given = {}
    wanted = {snake_case(str(key)): value for key, value in given.items()}
    for name in wanted:
        if name not in RULES:
            problems.append(f"{where} has an unknown rule {name!r}{did_you_mean(name, RULES)}")
    for rule in RULES.values():
        options = RuleOptions(
            rule=rule,
            threshold=rule.threshold,
            least=rule.least,
            after=rule.after,
            clear=CLEAR_SECONDS,
            repeat=rule.repeat if repeat is None or not rule.repeat else repeat,
            quiet=quiet,
            channels=tuple(channels),
        )
        said = wanted.get(rule.name, {})
        if said is False:
            continue
        if not isinstance(said, Mapping):
            problems.append(
                f"{where}[{rule.name!r}] is {said!r}; it must be a dict of options, or False to switch it off."
            )
            said = {}
        yield rule.name, with_options(options, f"{where}[{rule.name!r}]", said, channels, problems)


def with_options(
    options: RuleOptions, where: str, said: Mapping[str, Any], channels: Mapping[str, Channel], problems: list[str]
) -> RuleOptions:
    """A rule's defaults, with what is said of it put over them."""
    for written, value in said.items():
        key, here = snake_case(str(written)), f"{where}[{written!r}]"
        if key == "threshold":
            options = replace(options, threshold=threshold(here, options.rule, value, problems, options.threshold))
        elif key == "least":
            if not isinstance(value, int) or isinstance(value, bool) or value < 1 or not options.rule.least:
                problems.append(f"{here} is {value!r}; only 'failure_share' has it, as a whole number from 1 up.")
            else:
                options = replace(options, least=value)
        elif key in ("for", "clear", "repeat"):
            found = seconds(here, value, problems)
            if found is None:
                continue
            if key == "for":
                options = replace(options, after=found)
            elif key == "clear":
                options = replace(options, clear=found)
            else:
                options = replace(options, repeat=found)
        elif key == "quiet":
            options = replace(options, quiet=quiet_hours(here, value, problems))
        elif key == "channels":
            names = texts(value)
            unknown = [] if names is None else [each for each in names if each not in channels]
            if names is None:
                problems.append(f"{here} is {value!r}; it must be a list of channels' names.")
            for each in unknown:
                problems.append(f"{here} names {each!r}, which is no channel{did_you_mean(each, channels)}")
            options = replace(options, channels=tuple(each for each in names or () if each in channels))
        else:
            problems.append(f"{where} has an unknown key {written!r}{did_you_mean(key, RULE_KEYS)}")
    return options


def threshold(where: str, rule: Rule, value: Any, problems: list[str], default: float) -> float:
    """A threshold in the rule's unit."""
    if rule.unit is Unit.NONE:
        problems.append(f"{where}: this rule has no threshold.")
    elif rule.unit is Unit.SHARE:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
            return float(value)
        problems.append(f"{where} is {value!r}; it must be a share above 0, up to 1.")
    elif rule.unit is Unit.COUNT:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return float(value)
        problems.append(f"{where} is {value!r}; it must be a whole number from 1 up.")
    else:
        found = seconds(where, value, problems)
        return default if found is None else found
    return default


def seconds(where: str, value: Any, problems: list[str]) -> float | None:
    """A length of time: seconds, or ``"15m"``."""
    if isinstance(value, str):
        try:
            return float(seconds_in(value))
        except InvalidDuration:
            problems.append(f"{where} is {value!r}; it must be seconds, or text such as '30s', '15m', '2h'.")
            return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 366 * 86400:
        return float(value)
    problems.append(f"{where} is {value!r}; it must be seconds from 0 up, or text such as '30s', '15m', '2h'.")
    return None


def quiet_hours(where: str, value: Any, problems: list[str]) -> tuple[QuietHours, ...]:
    """Stretches of the day, such as ``"22:00-07:00"``."""
    found = texts(value)
    if found is None:
        problems.append(f"{where} is {value!r}; it must be text such as '22:00-07:00', or a list of them.")
        return ()
    hours = []
    for each in found:
        match = HOURS.fullmatch(each)
        if match is None:
            problems.append(f"{where} has {each!r}; it must be text such as '22:00-07:00'.")
            continue
        first, second, third, fourth = (int(number) for number in match.groups())
        hours.append(QuietHours(time(first, second), time(third, fourth)))
    return tuple(hours)


def texts(value: Any) -> tuple[str, ...] | None:
    """One text or a list of them; ``None`` when it is neither."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value):
        return tuple(value)
    return None
