"""docs/states.md says what pages say, and each of its states is caused by a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from allegro.dev import messages

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "states.md"
ROW = re.compile(r"^\| (?!State|---)([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)

IN_STATES, IN_A_BROWSER, WITH_A_SLOW_DATABASE = (
    f"tests/web/test_{name}.py" for name in ("states", "states_in_a_browser", "slow_pages")
)

CAUSED_BY = {
    "First run": (IN_STATES, "test_a_first_run_gets_a_checklist_with_the_command"),
    "Quiet": (IN_STATES, "test_a_quiet_system_says_when_the_last_job_ended"),
    "No workers": (IN_STATES, "test_a_queue_with_jobs_and_no_worker_is_named_with_its_oldest_job"),
    "No Horizon": (IN_STATES, "test_workers_without_a_horizon_process_are_amber"),
    "Paused": (IN_STATES, "test_a_paused_queue_says_who_why_and_until_when_and_can_be_resumed"),
    "Suspended": (IN_STATES, "test_rqs_own_suspension_stops_all_queues_and_says_so"),
    "Redis unreachable": (IN_A_BROWSER, "test_a_redis_that_hangs_is_named_in_time_and_the_page_comes_back_with_it"),
    "Redis slow": (IN_STATES, "test_a_slow_server_is_told_with_its_time"),
    "Redis full": (IN_STATES, "test_a_full_server_is_told_before_it_refuses_jobs"),
    "Jobs may be lost": (IN_STATES, "test_a_server_that_may_throw_jobs_away_is_red"),
    "Scheduler stopped": (IN_STATES, "test_a_stopped_scheduler_makes_the_graphs_stale_since_a_time"),
    "Snapshot stale": (IN_STATES, "test_a_stale_snapshot_is_told_although_a_scheduler_runs"),
    "Not enough data": (IN_STATES, "test_before_there_is_data_the_graphs_say_what_they_wait_for"),
    "Wrong connection": (IN_STATES, "test_a_wrong_connection_is_red_with_what_to_set"),
    "Version skew": (IN_STATES, "test_two_versions_side_by_side_are_told_by_host"),
    "Unreadable job": (IN_STATES, "test_an_unreadable_job_leaves_the_rest_of_the_list_standing"),
    "Expired job": (IN_STATES, "test_a_job_whose_data_is_gone_is_shown_from_its_run_and_not_as_missing"),
    "List too big": (IN_STATES, "test_a_list_that_is_too_big_to_count_says_more_than"),
    "Nothing found": (IN_STATES, "test_a_filter_that_finds_nothing_says_which_term_to_drop"),
    "Conflict": (IN_STATES, "test_what_somebody_else_has_retried_meanwhile_is_no_error"),
    "No right": (IN_STATES, "test_without_the_right_there_is_no_button_and_the_refusal_names_it"),
    "Signed out": (IN_A_BROWSER, "test_a_reader_whose_session_has_ended_is_told_in_place"),
    "Server error": (IN_A_BROWSER, "test_a_server_that_breaks_leaves_the_last_data_with_its_time"),
    "Slow page": (WITH_A_SLOW_DATABASE, "test_a_page_that_is_all_history_stands_without_it_and_says_what_to_do"),
    "Horizon paused": (IN_STATES, "test_a_paused_horizon_says_that_its_queues_do_not_run"),
    "A worker died": (IN_STATES, "test_a_supervisor_whose_workers_die_at_once_is_red"),
    "Queue behind": (IN_STATES, "test_a_queue_whose_oldest_job_waits_too_long_is_told_with_its_time"),
    "Queue starved": (IN_STATES, "test_a_queue_behind_one_that_is_never_empty_is_told_why_it_gets_no_turn"),
    "Entry broken": (IN_STATES, "test_a_broken_cron_entry_is_red_with_its_error"),
    "Collector away": (IN_STATES, "test_a_collector_that_is_away_or_behind_is_told"),
    "Runs uncounted": (IN_STATES, "test_runs_that_were_dropped_uncounted_are_told_for_a_day"),
    "Outbox waits": (IN_STATES, "test_jobs_that_wait_in_the_outbox_are_counted"),
}
"""The test that brings each state about."""


def rows() -> dict[str, tuple[str, ...]]:
    """What the pages say, word for word, by state."""
    return {
        state: tuple(re.findall(r"`([^`]+)`", says))
        for state, says, _ in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    }


def texts() -> str:
    """All that the library may say: its messages, and its code for what is not translated."""
    said = [
        form
        for message in messages.kept(messages.PARTS["library"], "he")
        for form in ([message.id] if isinstance(message.id, str) else message.id)
    ]
    return "\n".join([*said, *(file.read_text(encoding="utf-8") for file in (ROOT / "allegro_queue").rglob("*.py"))])


def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_state_is_caused_by_a_test_that_exists() -> None:
    assert list(rows()) == list(CAUSED_BY)
    assert [name for file, name in CAUSED_BY.values() if name not in functions_of(file)] == []


def test_every_sentence_of_the_document_is_one_that_pages_say() -> None:
    said = texts()
    quotes = [quote for found in rows().values() for quote in found]

    assert len(quotes) == len(CAUSED_BY) - 1  # a count has no sentence of its own
    assert [quote for quote in quotes if quote not in said] == []


def commands_offered() -> set[str]:
    """What the findings of the pages offer to type, where it is written out."""
    return {
        str(node.value.value)
        for file in (ROOT / "allegro_queue" / "dashboard" / "findings").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "command" and isinstance(node.value, ast.Constant)
    }


def test_every_command_that_a_page_offers_is_in_the_document() -> None:
    written = DOCUMENT.read_text(encoding="utf-8")

    assert commands_offered()
    assert [each for each in sorted(commands_offered()) if f"`{each}`" not in written] == []
