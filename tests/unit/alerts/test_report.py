from __future__ import annotations

import pytest

from allegro_queue.alerts.options import parse_alerts
from allegro_queue.alerts.report import limit_of


@pytest.mark.parametrize(
    ("rule", "said", "limit"),
    [
        ("longest_wait", {}, "over HORIZON['waits'], else 60 s, for 30 s"),
        ("failure_share", {}, "50% or more, of 10 at the least"),
        ("no_workers", {}, "for 60 s"),
        ("snapshot_stale", {}, "two missed"),
        ("snapshot_stale", {"threshold": "2h", "for": "1m"}, "over 2 h, for 60 s"),
        ("crash_loop", {}, "5 or more"),
        ("new_failure", {}, "at once"),
    ],
)
def test_when_a_rule_fires_is_said_in_a_few_words(rule: str, said: dict[str, str], limit: str):
    options, _ = parse_alerts({"rules": {rule: said}}, ())

    assert limit_of(options.rules[rule]) == limit
