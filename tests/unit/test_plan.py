from __future__ import annotations

from typing import Any

import pytest

from allegro_queue.backoff import Backoff, exponential
from allegro_queue.conf import HorizonSettings, parse_settings
from allegro_queue.errors import InvalidConfiguration
from allegro_queue.plan import build_plan
from allegro_queue.plan_problems import problems_in
from allegro_queue.rates import Rate
from allegro_queue.supervisor_options import QueueOptions, options_serving

QUEUES = ["high", "default", "audience-sync"]

GIVEN: dict[str, Any] = {
    "environment": "local",
    "defaults": {"supervisor-1": {"queue": QUEUES, "balance": False, "tries": 1, "timeout": 60}},
    "environments": {"production": {"supervisor-1": {"max_processes": 5}}, "local": {}},
}


def settings(**changes: Any) -> HorizonSettings:
    parsed, problems = parse_settings({**GIVEN, **changes})
    assert problems == []
    return parsed


def problems(**changes: Any) -> list[str]:
    return list(problems_in(settings(**changes), QUEUES))


def test_the_environments_overrides_win_over_the_defaults():
    assert build_plan(settings(), QUEUES).supervisors[0].max_processes == 1
    assert build_plan(settings(environment="production"), QUEUES).supervisors[0].max_processes == 5


def test_lists_replace_and_are_never_merged():
    changed = settings(environments={"local": {"supervisor-1": {"queue": ["default"]}}})

    assert build_plan(changed, QUEUES).supervisors[0].queue == ("default",)


def test_horizons_own_spelling_of_a_key_is_understood():
    changed = settings(environments={"local": {"supervisor-1": {"maxProcesses": 3}}})

    assert build_plan(changed, QUEUES).supervisors[0].max_processes == 3


def test_horizons_options_of_balancing_are_understood():
    given = {
        "balance": "auto",
        "autoScalingStrategy": "size",
        "minProcesses": 2,
        "maxProcesses": 9,
        "balanceMaxShift": 4,
        "balanceCooldown": 5,
    }
    changed = settings(environments={"local": {"supervisor-1": given}})

    made = build_plan(changed, QUEUES).supervisors[0]

    assert (made.balance, made.auto_scaling_strategy) == ("auto", "size")
    assert (made.min_processes, made.max_processes, made.balance_max_shift, made.balance_cooldown) == (2, 9, 4, 5)


def test_a_supervisor_scales_from_one_worker_in_strict_order_unless_said():
    made = build_plan(settings(environment="production"), QUEUES).supervisors[0]

    assert (made.balance, made.min_processes, made.max_processes, made.scale_down_after) == (False, 1, 5, 60)


def test_a_malformed_queue_list_is_one_fault_and_no_crash():
    changed = {"local": {"supervisor-1": {"queue": 5, "balance": "auto"}}}

    assert problems(environments=changed) == [
        "HORIZON environments.local supervisor 'supervisor-1' has queue = 5; "
        "it must be a list of queue names, highest priority first."
    ]


def test_the_grace_is_longer_than_the_timeout_unless_said():
    changed = settings(defaults={"one": {"queue": ["high"], "timeout": 300}})

    assert build_plan(changed, QUEUES).supervisors[0].grace == 305


def test_another_connection_gives_an_empty_plan_that_says_why():
    plan = build_plan(settings(connection="sync"), QUEUES)

    assert plan.supervisors == ()
    assert "Set QUEUE_CONNECTION=redis" in plan.notice
    assert options_serving(settings(connection="sync"), "high").timeout == 60


def test_an_unknown_environment_is_named_with_the_nearest():
    assert problems(environment="prodution") == [
        "HORIZON has no environment 'prodution' (from APP_ENV); did you mean 'production'?"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_proceses": 3}, "has an unknown key 'max_proceses'; did you mean 'max_processes'?"),
        ({"tries": 0}, "has tries = 0; it must be a whole number from 1 up."),
        ({"timeout": "60"}, "has timeout = '60'; it must be a whole number from 1 up."),
        ({"max_processes": True}, "has max_processes = True; it must be a whole number from 1 up."),
        ({"queue": []}, "has queue = []; it must be a list of queue names, highest priority first."),
        ({"queue": ["hihg"]}, "serves the queue 'hihg', which RQ_QUEUES does not have; did you mean 'high'?"),
        ({"queue": ["high", "high"]}, "a queue is named twice."),
        ({"balance": "off"}, "has balance = 'off'; it must be False (strict order, one pool), 'simple' or 'auto'."),
        ({"balance": True}, "has balance = True; it must be False (strict order, one pool), 'simple' or 'auto'."),
        ({"autoScalingStrategy": "log"}, "has autoScalingStrategy = 'log'; it must be 'time' or 'size'."),
        ({"min_processes": 0}, "has min_processes = 0; it must be a whole number from 1 up."),
        ({"balanceMaxShift": 0}, "has balanceMaxShift = 0; it must be a whole number from 1 up."),
        ({"balance_cooldown": 1.5}, "has balance_cooldown = 1.5; it must be a whole number from 1 up."),
        ({"scale_down_after": "60"}, "has scale_down_after = '60'; it must be a whole number from 1 up."),
        ({"min_processes": 3}, "has min_processes = 3 above max_processes = 1; make it 1 or less."),
        (
            {"balance": "auto", "max_processes": 5, "min_processes": 2},
            "has max_processes = 5 with balance = 'auto'; its 3 queues need min_processes = 2 each, so it must be 6 or more.",
        ),
        ({"timeout": 2**63}, "has timeout = 9223372036854775808; it must be at most 2,147,483,647."),
        ({"maxJobs": -1}, "has maxJobs = -1; it must be a whole number from 0 up."),
        ({"memory": "128"}, "has memory = '128'; it must be a whole number from 0 up."),
        ({"isolate": 1}, "has isolate = 1; it must be True or False."),
        ({"force": "yes"}, "has force = 'yes'; it must be True or False."),
        ({"backoff": -5}, "has backoff = -5; it must be seconds, a list of seconds"),
        ({"backoff": [1] * 21}, "it has 21 pauses; at most 20 are kept"),
        ({"rate_limit": "30/w"}, "has rate_limit = '30/w'; it must be like \"30/m\""),
        ({"rate_limit": "0/m"}, "Rate has runs = 0; it must be a whole number from 1 to"),
        ({"timeout": 90, "grace": 30}, "has grace = 30 below timeout = 90; a deploy would kill healthy jobs."),
    ],
)
def test_each_fault_says_where_it_is_what_was_found_and_what_would_be_right(options: dict[str, Any], message: str):
    found = problems(environments={"local": {"supervisor-1": options}})

    assert any(message in each for each in found), found


@pytest.mark.parametrize(
    ("queues", "message"),
    [
        ({"hihg": {}}, "HORIZON queues 'hihg' is no queue that RQ_QUEUES has; did you mean 'high'?"),
        ({"high": 5}, "HORIZON queues 'high' is 5; it must be a dict of options."),
        ({"high": {"trys": 1}}, "HORIZON queues 'high' has an unknown key 'trys'; did you mean 'tries'?"),
        ({"high": {"max_processes": 0}}, "HORIZON queues 'high' has max_processes = 0; it must be a whole number"),
        ({"high": {"backoff": "soon"}}, "HORIZON queues 'high' has backoff = 'soon'; it must be seconds"),
        ({"high": {"isolate": "yes"}}, "HORIZON queues 'high' has isolate = 'yes'; it must be True or False."),
    ],
)
def test_each_fault_of_a_queues_options_is_named(queues: dict[str, Any], message: str):
    found = problems(queues=queues)

    assert len(found) == 1
    assert message in found[0]


def test_a_queues_limit_below_what_its_supervisor_keeps_is_a_fault():
    balanced = {"one": {"queue": QUEUES, "balance": "auto", "min_processes": 2, "max_processes": 9}}

    assert problems(defaults=balanced, environments={}, queues={"high": {"maxProcesses": 1}}) == [
        "HORIZON queues 'high' has max_processes = 1, but supervisor 'one' keeps min_processes = 2 for each queue; "
        "make it 2 or more."
    ]


def test_what_is_said_of_queues_and_of_all_hosts_is_in_the_plan():
    given = {"high": {"tries": 3, "backoff": [1, 5], "rateLimit": "5/10s", "isolate": True, "maxProcesses": 2}}

    plan = build_plan(settings(queues=given, max_processes=20), QUEUES)

    assert plan.max_processes == 20
    assert plan.queues == {
        "high": QueueOptions(
            tries=3, backoff=Backoff((1.0, 5.0)), rate_limit=Rate(5, 10), isolate=True, max_processes=2
        )
    }


def test_a_supervisors_terms_and_limits_of_its_workers_are_in_the_plan():
    given = {"backoff": exponential(2, cap=5), "rate_limit": "30/m", "maxJobs": 500, "maxTime": 3600, "memory": 0}

    made = build_plan(settings(environments={"local": {"supervisor-1": given}}), QUEUES).supervisors[0]

    assert made.backoff == Backoff((2.0, 4.0, 5.0), 0.1)
    assert made.rate_limit == Rate(30, 60)
    assert (made.max_jobs, made.max_time, made.memory, made.isolate) == (500, 3600, 0, False)


def test_every_fault_comes_at_once():
    changed = settings(environment="nowhere", defaults={"one": {"queue": ["x"], "tries": 0, "colour": "red"}})

    with pytest.raises(InvalidConfiguration) as raised:
        build_plan(changed, QUEUES)

    assert len(raised.value.problems) == 4


def test_settings_without_a_supervisor_are_refused():
    assert any("names no supervisor" in each for each in problems(defaults={}, environments={}))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"enviroment": "local"}, "HORIZON has an unknown key 'enviroment'; did you mean 'environment'?"),
        ({"metrics_hours": 0}, "HORIZON['metrics_hours'] is 0; it must be 1 or more."),
        ({"prefix": 5}, "HORIZON['prefix'] is 5; it must be text."),
        ({"frame": "own"}, "HORIZON['frame'] is 'own'; it must be 'admin' or 'django'."),
        ({"schedule": {}}, "HORIZON['schedule'] is {}; it must be a list."),
        ([], "HORIZON is []; it must be a dict."),
    ],
)
def test_faults_of_the_top_level_are_named(given: Any, message: str):
    assert message in parse_settings(given)[1]
