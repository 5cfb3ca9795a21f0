"""``HORIZON["alerts"]``: what it means, every fault at once, and no secret in any of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.views.debug import SafeExceptionReporterFilter

from allegro_queue.alerts.options import ADMINS, parse_alerts
from allegro_queue.alerts.rules import RULES
from allegro_queue.conf import Secret

SECRET = "xoxb-very-secret"


def problems(given: Any) -> list[str]:
    return parse_alerts(given, ())[1]


def test_every_rule_is_on_and_mails_the_admins_when_nothing_is_said():
    options, faults = parse_alerts({}, ["ops@example.com"])

    assert faults == []
    assert set(options.rules) == set(RULES)
    assert options.channels[ADMINS].mail == ("ops@example.com",)
    assert all(each.channels == (ADMINS,) for each in options.rules.values())


def test_a_rule_takes_what_is_said_of_it():
    options, faults = parse_alerts(
        {
            "channels": {"mail": {"mail": "ops@example.com"}, "chat": {"apprise": ["json://localhost/"]}},
            "quiet": "22:00-07:00",
            "rules": {
                "longest_wait": {"threshold": "2m", "for": 5, "repeat": "1h", "channels": ["chat"], "quiet": []},
                "failure_share": {"threshold": 0.2, "least": 3},
                "redis_eviction": False,
            },
        },
        (),
    )

    assert faults == []
    wait = options.rules["longest_wait"]
    assert (wait.threshold, wait.after, wait.repeat, wait.channels, wait.quiet) == (120, 5, 3600, ("chat",), ())
    assert (options.rules["failure_share"].threshold, options.rules["failure_share"].least) == (0.2, 3)
    assert "redis_eviction" not in options.rules
    assert str(options.rules["no_workers"].quiet[0]) == "22:00-07:00"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rule": {}}, "HORIZON['alerts'] has an unknown key 'rule'; did you mean 'rules'?"),
        ({"rules": {"longest_wiat": {}}}, "unknown rule 'longest_wiat'; did you mean 'longest_wait'?"),
        ({"rules": {"longest_wait": 5}}, "['longest_wait'] is 5; it must be a dict of options, or False"),
        ({"rules": {"longest_wait": {"treshold": 5}}}, "has an unknown key 'treshold'; did you mean 'threshold'?"),
        ({"rules": {"longest_wait": {"threshold": "soon"}}}, "is 'soon'; it must be seconds"),
        ({"rules": {"longest_wait": {"for": -1}}}, "is -1; it must be seconds from 0 up"),
        ({"rules": {"failure_share": {"threshold": 50}}}, "is 50; it must be a share above 0, up to 1."),
        ({"rules": {"crash_loop": {"threshold": 0}}}, "is 0; it must be a whole number from 1 up."),
        ({"rules": {"no_workers": {"threshold": 5}}}, "this rule has no threshold"),
        ({"rules": {"no_workers": {"channels": ["mial"]}}}, "names 'mial', which is no channel"),
        ({"rules": {"no_workers": {"quiet": "25:00-07:00"}}}, "has '25:00-07:00'; it must be text such as"),
        ({"channels": {"mail": {}}}, "leads nowhere"),
        ({"channels": {"mail": {"mail": "nobody"}}}, "must be a mail address"),
        ({"channels": {"mail": {"mail": "a@b.c", "timeout": 0}}}, "it must be seconds from 1 to 120"),
        ({"address": "example.com"}, "it must be an address such as"),
    ],
)
def test_a_fault_is_named_with_what_would_be_right(given: Any, message: str):
    assert any(message in each for each in problems(given)), problems(given)


def test_all_faults_come_at_once():
    assert len(problems({"x": 1, "rules": {"y": {}, "no_workers": {"z": 1}}, "channels": {"mail": {}}})) == 4


@pytest.mark.parametrize(
    "given",
    [
        {"channels": {"chat": SECRET}},
        {"channels": {"chat": {"apprise": SECRET}}},
        {"channels": {"chat": {"apprise": [SECRET, 5]}}},
        {"channels": SECRET},
    ],
)
def test_no_fault_tells_a_secret(given: Any):
    assert problems(given)
    assert SECRET not in "".join(problems(given))


def test_an_error_report_of_django_shows_no_secret(settings: Any):
    settings.HORIZON = {
        "alerts": {"channels": {"chat": {"apprise": [Secret(f"slack://{SECRET}")]}}},
        "metrics_token": SECRET,
    }

    shown = SafeExceptionReporterFilter().get_safe_settings()["HORIZON"]

    assert "alerts" in shown
    assert SECRET not in repr(shown)
    assert parse_alerts(settings.HORIZON["alerts"], ())[0].channels["chat"].apprise == (f"slack://{SECRET}",)


def test_a_channel_shows_its_kind_and_no_secret():
    channel = parse_alerts({"channels": {"chat": {"apprise": f"slack://{SECRET}/a/b", "mail": "a@b.c"}}}, ())[
        0
    ].channels["chat"]

    assert channel.kind == "mail to a@b.c, slack"
    assert SECRET not in repr(channel)
