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
    "First run": "acceptance/test_states.py::test_a_system_goes_from_its_first_steps_to_quiet_and_counts_down_to_its_first_graph",
    "Quiet": "acceptance/test_states.py::test_a_system_goes_from_its_first_steps_to_quiet_and_counts_down_to_its_first_graph",
    "No workers": "acceptance/test_states.py::test_processes_that_are_gone_are_told_apart_as_they_go_one_by_one",
    "No Horizon process": "acceptance/test_states.py::test_processes_that_are_gone_are_told_apart_as_they_go_one_by_one",
    "Paused": "acceptance/test_states.py::test_what_stands_still_on_purpose_says_who_or_what_holds_it_and_how_it_goes_on",
    "Suspended": "acceptance/test_states.py::test_what_stands_still_on_purpose_says_who_or_what_holds_it_and_how_it_goes_on",
    "Horizon paused": "acceptance/test_states.py::test_what_stands_still_on_purpose_says_who_or_what_holds_it_and_how_it_goes_on",
    "Maintenance mode": "acceptance/test_states.py::test_in_maintenance_mode_jobs_wait_and_are_told_of_until_it_ends",
    "Maintenance unknown": "acceptance/test_states.py::test_a_maintenance_function_that_hangs_holds_nobody_up_and_is_told_of_until_it_answers",
    "Wrong connection": "acceptance/test_states.py::test_a_deploy_that_left_a_host_out_and_a_wrong_connection_are_told",
    "Two versions": "acceptance/test_states.py::test_a_deploy_that_left_a_host_out_and_a_wrong_connection_are_told",
    "A worker died": "acceptance/test_states.py::test_processes_that_are_gone_are_told_apart_as_they_go_one_by_one",
    "A queue is behind": "unit/dashboard/findings/test_verdict.py::test_a_wait_is_too_long_past_the_queue_s_own_limit_or_a_minute",
    "A queue gets no turn": "web/test_states.py::test_a_queue_behind_one_that_is_never_empty_is_told_why_it_gets_no_turn",
    "Redis unreachable": "web/test_states_in_a_browser.py::test_a_redis_that_hangs_is_named_in_time_and_the_page_comes_back_with_it",
    "Redis slow": "acceptance/test_states.py::test_what_is_wrong_with_the_server_is_told_with_its_figure_and_what_is_at_risk",
    "Redis full": "acceptance/test_states.py::test_what_is_wrong_with_the_server_is_told_with_its_figure_and_what_is_at_risk",
    "Redis may drop jobs": "acceptance/test_states.py::test_what_is_wrong_with_the_server_is_told_with_its_figure_and_what_is_at_risk",
    "Scheduler stopped": "acceptance/test_states.py::test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error",
    "Entry broken": "acceptance/test_states.py::test_what_nobody_serves_or_counts_or_can_queue_is_told_with_what_mends_it",
    "Snapshot stale": "acceptance/test_states.py::test_processes_that_are_gone_are_told_apart_as_they_go_one_by_one",
    "Collector away or behind": "acceptance/test_states.py::test_what_nobody_serves_or_counts_or_can_queue_is_told_with_what_mends_it",
    "Runs dropped uncounted": "acceptance/test_states.py::test_what_nobody_serves_or_counts_or_can_queue_is_told_with_what_mends_it",
    "Jobs in the outbox": "acceptance/test_states.py::test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error",
    "Not enough data": "acceptance/test_states.py::test_a_system_goes_from_its_first_steps_to_quiet_and_counts_down_to_its_first_graph",
    "Unreadable job": "acceptance/test_states.py::test_what_stands_still_on_purpose_says_who_or_what_holds_it_and_how_it_goes_on",
    "Expired job": "acceptance/test_states.py::test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error",
    "List too big": "acceptance/test_states.py::test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error",
    "Filter finds nothing": "acceptance/test_states.py::test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error",
    "Conflict": "acceptance/test_states.py::test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error",
    "No right": "web/test_states.py::test_without_the_right_there_is_no_button_and_the_refusal_names_it",
    "Signed out": "web/test_states_in_a_browser.py::test_a_reader_whose_session_has_ended_is_told_in_place",
    "Server error, offline": "web/test_states_in_a_browser.py::test_a_server_that_breaks_leaves_the_last_data_with_its_time",
    "Slow page": "web/test_slow_pages.py::test_the_overview_gives_its_answer_while_the_database_is_slow",
}  # fmt: skip
"""The test that brings about each state: with real processes, where they can in a short time."""


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
