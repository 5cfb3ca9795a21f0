"""Each rule speaks when its fault is there, and is silent when it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from allegro_queue.alerts.facts import Facts, GroupFacts, HistoryFacts, LostMaster
from allegro_queue.alerts.rules import RULES
from allegro_queue.stores.pauses import Pause
from allegro_queue.tellings import verbatim
from tests.support import pseudo, records
from tests.support.facts import NOW, entry, facts, pulse, queue, server

GROUP = GroupFacts(
    fingerprint="f1", name="app.jobs.sync", exception="ValueError", message="no", count=3, last_at=NOW - 5, again=False
)


def found(rule: str, given: Facts) -> list[tuple[str, str]]:
    """What a rule says with its own threshold."""
    each = RULES[rule]
    return [(one.subject, one.said.english) for one in each.look(given, each.threshold, each.least)]


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_says_anything_when_all_is_well(rule: str):
    assert RULES[rule].knows(facts())
    assert found(rule, facts()) == []


FAULTS: list[tuple[str, Facts, str, str]] = [
    (
        "longest_wait",
        facts(pulse=pulse(queues=(queue("high", waiting=3, oldest_at=NOW - 11), queue("default", waiting=1, oldest_at=NOW - 59)))),
        "high",
        "the oldest job of high has waited 11 s (allowed: 10 s); 3 wait",
    ),
    (
        "failure_share",
        facts(history=HistoryFacts(ended={"high": (10, 5), "default": (9, 9), "audience-sync": (100, 49)})),
        "high",
        "5 of the last 10 attempts on high failed (50%)",
    ),
    ("new_failure", facts(history=HistoryFacts(groups=(GROUP,))), "f1", "a failure is new: app.jobs.sync: ValueError: no"),
    ("no_workers", facts(pulse=pulse(workers=())), "", "no worker lives; 0 jobs wait"),
    (
        "no_workers",
        facts(pulse=pulse(workers=(records.worker(NOW, queues=("high", "audience-sync")),))),
        "",
        "nobody listens to default",
    ),
    (
        "master_lost",
        facts(lost_masters=(LostMaster(name="web-1-ab", host="web-1", lost_at=NOW),)),
        "web-1-ab",
        "the Horizon process web-1-ab on web-1 is gone without having been told to leave",
    ),
    ("scheduler_late", facts(pulse=pulse(scheduler=None)), "", "no scheduler reports, so nothing is queued by the clock"),
    ("scheduler_late", facts(entries=(entry(next_at=NOW - 90),)), "", "tick should have been queued 90 s ago"),
    ("missed_tick", facts(entries=(entry(last_error="no such function"),)), "tick", "tick could not be queued: no such function"),
    (
        "missed_tick",
        facts(entries=(entry(last_due_at=NOW - 700, last_queued_at=NOW - 100),)),
        "tick",
        "tick was queued 10 min late, so runs in between were left out",
    ),
    ("snapshot_stale", facts(pulse=pulse(last_snapshot_at=NOW - 700)), "", "the newest snapshot is 11 min old, so graphs are stale"),
    ("snapshot_stale", facts(pulse=pulse(last_snapshot_at=None)), "", "no snapshot was ever taken, so graphs are stale"),
    (
        "paused_long",
        facts(pulse=pulse(pauses={"high": Pause(queue="high", since=NOW - 7200, until=None, by="ada", reason="deploy")})),
        "high",
        "high paused for 2 h by ada: “deploy”",
    ),
    (
        "crash_loop",
        facts(pulse=pulse(lost=tuple(records.lost(NOW, name=f"w{n}") for n in range(5)))),
        "web-1",
        "5 workers died on web-1 within 10 min, the last one was killed by signal 9 (SIGKILL); was it out of memory?",
    ),
    (
        "crash_loop",
        facts(pulse=pulse(masters=(records.master(NOW, supervisors=(records.supervisor(trouble="they end at once."),)),))),
        "supervisor-1 on web-1",
        "supervisor-1 on web-1 cannot keep its workers: they end at once",
    ),
    ("redis_memory", facts(server=server(memory_bytes=80_000_000)), "", "Redis uses 80% of the 100 MB it may; when it is full, no job is taken"),
    (
        "redis_eviction",
        facts(server=server(eviction_policy="allkeys-lru")),
        "",
        "Redis has maxmemory-policy allkeys-lru, so it deletes jobs when its memory is full",
    ),
    ("redis_away", facts(away=verbatim("no connection")), "", "Redis does not answer (no connection)"),
    (
        "collector_lag",
        facts(history=HistoryFacts(behind=9000, behind_seconds=301)),
        "",
        "the collector is 5 min behind; 9,000 runs wait",
    ),
    (
        "collector_lag",
        facts(history=HistoryFacts(behind=1, collector_lives=False)),
        "",
        "no collector reports; 1 run waits for history and metrics",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "given", "subject", "text"), FAULTS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_rule_says_what_is_wrong_of_what(rule: str, given: Facts, subject: str, text: str):
    assert found(rule, given) == [(subject, text)]


@pytest.mark.parametrize(("rule", "given"), [(rule, given) for rule, given, *_ in FAULTS])
def test_what_a_rule_says_is_a_message_that_can_be_told_in_any_language(
    rule: str, given: Facts, monkeypatch: pytest.MonkeyPatch
):
    pseudo.speak(monkeypatch)
    each = RULES[rule]

    with translation.override(pseudo.LANGUAGE):
        said = [one.said.words for one in each.look(given, each.threshold, each.least)]

    assert said
    assert [pseudo.letters_outside(words) for words in said] == [""] * len(said)


def test_every_rule_has_a_fault_here():
    assert {rule for rule, *_ in FAULTS} == set(RULES)


@pytest.mark.parametrize("rule", ["longest_wait", "no_workers"])
def test_a_paused_queue_is_meant_to_wait(rule: str):
    paused: dict[str, Any] = {"pauses": {"*": Pause(queue="*", since=NOW, until=None, by="ada", reason="deploy")}}
    given = facts(pulse=pulse(queues=(queue(waiting=1, oldest_at=NOW - 999),), workers=(), **paused))

    assert found(rule, given) == []


def test_a_group_that_came_back_is_said_to():
    again = HistoryFacts(
        groups=(GroupFacts(**{**{name: getattr(GROUP, name) for name in GROUP.__slots__}, "again": True}),)
    )

    assert found("new_failure", facts(history=again))[0][1].startswith(
        "a failure is back after it was marked as resolved"
    )


@pytest.mark.parametrize("rule", [each for each in RULES if each != "redis_away"])
def test_what_could_not_be_asked_is_not_known(rule: str):
    assert not RULES[rule].knows(Facts(at=NOW, away=verbatim("no connection")))


def test_a_queue_in_maintenance_mode_neither_waits_too_long_nor_lacks_workers():
    still = records.master(NOW, supervisors=(records.supervisor(maintenance=True),))
    given = facts(pulse=pulse(masters=(still,), workers=(), queues=(queue("high", waiting=3, oldest_at=NOW - 900),)))

    assert found("longest_wait", given) == []
    assert found("no_workers", given) == []


@pytest.mark.parametrize(
    ("threshold", "age", "is_stale"), [(0, 3601, True), (0, 3599, False), (60, 61, True), (60, 59, False)]
)
def test_a_snapshot_is_stale_by_the_pace_of_its_entry_or_by_the_threshold_where_there_is_one(
    threshold: int, age: int, is_stale: bool
):
    hourly = facts(pulse=pulse(last_snapshot_at=NOW - age), snapshot_too_old_from=lambda taken_at: taken_at + 3600)

    assert bool(list(RULES["snapshot_stale"].look(hourly, threshold, 0))) is is_stale


def test_the_document_s_table_has_each_rule_with_what_holds_where_the_settings_say_nothing():
    document = Path(__file__).resolve().parents[3] / "docs" / "alerts.md"
    rows = re.findall(
        r"^\| `(\w+)` \|[^|]+\| ?(?:`([\d.]+)`)?[^|]*\| `(\d+)`[^|]*\| (?:`(\d+)h`|never) \|$",
        document.read_text(encoding="utf-8"),
        re.MULTILINE,
    )

    told = [
        (name, float(threshold or 0), float(after), 3600 * float(hours or 0)) for name, threshold, after, hours in rows
    ]
    assert told == [(each.name, each.threshold, each.after, each.repeat) for each in RULES.values()]
