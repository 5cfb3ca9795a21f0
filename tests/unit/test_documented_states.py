"""docs/states.md, held against what the pages say and against the tests that cause each state."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest

from allegro.dev import messages

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "states.md"
PAGES = ROOT / "allegro_queue"
FINDINGS = PAGES / "dashboard" / "findings"

CAUSED = {
    "First run": "web/test_states.py::test_a_first_run_gets_a_checklist_with_the_command",
    "Quiet": "web/test_states.py::test_a_quiet_system_says_when_the_last_job_ended",
    "No workers": "web/test_states.py::test_a_queue_with_jobs_and_no_worker_is_named_with_its_oldest_job",
    "No Horizon process": "web/test_states.py::test_workers_without_a_horizon_process_are_amber",
    "Paused": "web/test_states.py::test_a_paused_queue_says_who_why_and_until_when_and_can_be_resumed",
    "Suspended": "web/test_states.py::test_rqs_own_suspension_stops_all_queues_and_says_so",
    "Horizon paused": "web/test_states.py::test_a_paused_horizon_says_that_its_queues_do_not_run",
    "Wrong connection": "web/test_states.py::test_a_wrong_connection_is_red_with_what_to_set",
    "Two versions": "web/test_states.py::test_two_versions_side_by_side_are_told_by_host",
    "A worker died": "web/test_states.py::test_a_supervisor_whose_workers_die_at_once_is_red",
    "A queue is behind": "unit/dashboard/findings/test_verdict.py::test_a_wait_is_too_long_past_the_queue_s_own_limit_or_a_minute",
    "A queue gets no turn": "web/test_states.py::test_a_queue_behind_one_that_is_never_empty_is_told_why_it_gets_no_turn",
    "Redis unreachable": "web/test_states_in_a_browser.py::test_a_redis_that_hangs_is_named_in_time_and_the_page_comes_back_with_it",
    "Redis slow": "web/test_states.py::test_a_slow_server_is_told_with_its_time",
    "Redis full": "web/test_states.py::test_a_full_server_is_told_before_it_refuses_jobs",
    "Redis may drop jobs": "web/test_states.py::test_a_server_that_may_throw_jobs_away_is_red",
    "Scheduler stopped": "web/test_states.py::test_a_stopped_scheduler_makes_the_graphs_stale_since_a_time",
    "Entry broken": "web/test_states.py::test_a_broken_cron_entry_is_red_with_its_error",
    "Snapshot stale": "web/test_states.py::test_a_stale_snapshot_is_told_although_a_scheduler_runs",
    "Collector away or behind": "web/test_states.py::test_a_collector_that_is_away_or_behind_is_told",
    "Runs dropped uncounted": "web/test_states.py::test_runs_that_were_dropped_uncounted_are_told_for_a_day",
    "Jobs in the outbox": "web/test_states.py::test_jobs_that_wait_in_the_outbox_are_counted",
    "Not enough data": "web/test_states.py::test_before_there_is_data_the_graphs_say_what_they_wait_for",
    "Unreadable job": "web/test_states.py::test_an_unreadable_job_leaves_the_rest_of_the_list_standing",
    "Expired job": "web/test_states.py::test_a_job_whose_data_is_gone_is_shown_from_its_run_and_not_as_missing",
    "List too big": "web/test_states.py::test_a_list_that_is_too_big_to_count_says_more_than",
    "Filter finds nothing": "web/test_states.py::test_a_filter_that_finds_nothing_says_which_term_to_drop",
    "Conflict": "web/test_states.py::test_what_somebody_else_has_retried_meanwhile_is_no_error",
    "No right": "web/test_states.py::test_without_the_right_there_is_no_button_and_the_refusal_names_it",
    "Signed out": "web/test_states_in_a_browser.py::test_a_reader_whose_session_has_ended_is_told_in_place",
    "Server error, offline": "web/test_states_in_a_browser.py::test_a_server_that_breaks_leaves_the_last_data_with_its_time",
    "Slow page": "web/test_slow_pages.py::test_a_page_that_is_all_history_stands_without_it_and_says_what_to_do",
}  # fmt: skip
"""The test that brings about each state."""


class Row(NamedTuple):
    """One state of the document."""

    state: str
    says: str
    means: str
    todo: str


ROWS = [
    Row(*(cell.strip() for cell in line.strip("|\n").split(" | ")))
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| State")
]


def plain(text: str) -> str:
    """Without markup and names of places."""
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"%\(\w+\)s|\{\w+\}", "{}", text)))


@cache
def texts() -> frozenset[str]:
    """Each text of the pages, in English; those that are not translated too."""
    return frozenset(texts_in_code())


def texts_in_code() -> Iterator[str]:
    for message in messages.in_code(messages.PARTS["library"]):
        yield from (plain(each) for each in ([message.id] if isinstance(message.id, str) else message.id))
    for file in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)


def in_findings(name: str) -> Iterator[str]:
    """What the findings hold for an argument of theirs, where it is written out."""
    for file in FINDINGS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == name and isinstance(node.value, ast.Constant):
                yield str(node.value.value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.state)
def test_the_pages_say_what_the_document_quotes(row: Row) -> None:
    quoted = re.findall(r"“([^”]+)”", row.says)

    assert quoted
    for words in quoted:
        assert any(plain(words) in said for said in texts()), words


def test_each_command_of_a_finding_is_in_the_document() -> None:
    written = " ".join(row.todo for row in ROWS)

    assert [command for command in sorted(set(in_findings("command"))) if f"`{command}" not in written] == []


def test_each_state_has_a_test_that_causes_it() -> None:
    assert [row.state for row in ROWS] == list(CAUSED)
    for state, place in CAUSED.items():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), state
