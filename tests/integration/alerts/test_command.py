"""``manage.py horizon_alerts``."""

from __future__ import annotations

import json
import time
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.alerts import book
from allegro_queue.alerts.models import AlertKeeper
from allegro_queue.alerts.rules import RULES

pytestmark = pytest.mark.django_db


def alerts(*arguments: str) -> str:
    out = StringIO()
    call_command("horizon_alerts", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def channels(settings: Any) -> None:
    settings.HORIZON = {
        **settings.HORIZON,
        "alerts": {
            "channels": {"mail": {"mail": "ops@example.com"}, "chat": {"apprise": "json://u:s3cret@127.0.0.1:9/"}},
            "rules": {"no_workers": {"channels": ["mail"]}, "redis_eviction": {"channels": []}},
        },
    }


def test_every_rule_is_listed(channels: None):
    told = alerts()

    assert [line.split()[0] for line in told.splitlines()[1:-1]] == list(RULES)
    assert "Nobody keeps the alerts now" in told
    assert "s3cret" not in told


def test_the_list_is_there_as_json(channels: None):
    book.mute(book.Mute(rule="no_workers", since=0, until=time.time() + 60, by="ada", reason="deploy"))

    found = {each["rule"]: each for each in json.loads(alerts("--json"))}

    assert set(found) == set(RULES)
    assert (found["no_workers"]["state"], found["no_workers"]["mute"]["by"]) == ("muted", "ada")


def test_a_channel_is_tested_by_its_name_or_by_a_rule_of_it(channels: None):
    assert "mail: taken (mail to ops@example.com)" in alerts("test", "mail")
    alerts("test", "no_workers")

    assert [each.subject for each in mail.outbox] == ["[local] A test of alerts"] * 2


def test_a_channel_that_does_not_take_it_fails_without_a_secret(channels: None, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(CommandError, match="1 of 1 did not take the message"):
        alerts("test", "chat")

    assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("test", "maill"), "is no channel and no rule; did you mean 'mail'?"),
        (("test", "redis_eviction"), "tells nobody"),
        (("mute", "no_wrokers", "--for", "1h", "--reason", "x"), "is no rule that is on; did you mean 'no_workers'?"),
        (("mute", "no_workers", "--for", "soon", "--reason", "x"), "is not a duration"),
        (("mute", "no_workers", "--for", "31d", "--reason", "x"), "30 days at the most"),
        (("unmute", "nothing"), "is no rule"),
    ],
)
def test_a_mistake_is_said_to_be_one(channels: None, arguments: tuple[str, ...], words: str):
    with pytest.raises(CommandError, match=words.replace("?", r"\?")):
        alerts(*arguments)


def test_a_rule_is_muted_and_unmuted_and_that_is_noted(channels: None):
    assert alerts("mute", "no_workers", "--for", "1h", "--reason", "deploy") == "Muted no_workers for 1 h.\n"
    assert book.mutes(time.time())["no_workers"].reason == "deploy"

    assert alerts("unmute", "no_workers") == "Unmuted no_workers.\n"
    assert book.mutes(time.time()) == {}
    assert list(Activity.objects.order_by("pk").values_list("action", "via")) == [
        ("mute alert", "command"),
        ("unmute alert", "command"),
    ]


def test_a_look_from_cron_is_written_down_and_leaves_the_turn_to_others(channels: None, redis: Redis):
    alerts("watch", "--once")

    assert AlertKeeper.objects.get().looked_at > time.time() - 60
    assert book.keeper(time.time()) is None
    assert {each.rule for each in book.standings()} >= {"no_workers"}


def test_a_look_from_cron_is_none_while_somebody_keeps_the_alerts(channels: None, redis: Redis):
    book.take_turn("of-horizon", "web-1", 4121, time.time())

    alerts("watch", "--once")

    kept = book.keeper(time.time())
    assert kept is not None
    assert (kept.token, kept.looked_at) == ("of-horizon", 0)
    assert not book.standings()
