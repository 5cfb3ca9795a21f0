"""What can be done on a page can be done by the API, by the same act and with the same right."""

from __future__ import annotations

import pytest

from allegro_queue.api.asking import ALSO, RIGHT
from allegro_queue.dashboard.acting.actions import ACTIONS_AT, ACTS
from allegro_queue.dashboard.urls import ROUTES
from allegro_queue.rights import Right
from tests.support.api_document import PATHS

COUNTERPARTS: dict[str, set[str]] = {
    "pause": {"post /queues/{name}/pause"},
    "resume": {"post /queues/{name}/resume"},
    "empty": {"post /queues/{name}/empty"},
    "move": {"post /queues/{name}/move"},
    "retry": {"post /bulk-runs/retry", "post /jobs/{job_id}/retry"},
    "delete": {"post /bulk-runs/delete", "delete /jobs/{job_id}"},
    "cancel": {"post /bulk-runs/cancel"},
    "move_jobs": {"post /bulk-runs/move"},
    "restore": {"post /bin/restore"},
    "cancel_run": {"post /bulk-runs/{run_id}/cancel"},
    "carry_on_run": {"post /bulk-runs/{run_id}/carry-on"},
    "undo_run": {"post /bulk-runs/{run_id}/undo"},
    "run_again": {"post /jobs/{job_id}/run-again"},
    "run_other": {"post /jobs/{job_id}/run-other"},
    "stop": {"post /jobs/{job_id}/stop"},
    "control": {"post /masters/{name}/control"},
    "end_worker": {"post /workers/{name}/end"},
    "cancel_batch": {"post /batches/{batch_id}/cancel"},
    "retry_batch": {"post /batches/{batch_id}/retry"},
    "mark_failure": {"post /failures/{fingerprint}/mark"},
    "follow_tag": {"post /tags"},
    "stop_following_tag": {"delete /tags/{name}"},
    "save_view": {"post /views"},
    "delete_view": {"delete /views/{view_id}"},
    "run_entry": {"post /schedule/{name}/run"},
    "pause_entry": {"post /schedule/{name}/pause"},
    "resume_entry": {"post /schedule/{name}/resume"},
    "mute_alert": {"post /alerts/{name}/mute"},
    "unmute_alert": {"post /alerts/{name}/unmute"},
    "test_channel": {"post /channels/{name}/test"},
}
"""What does the same, by the name of the page's action."""

PAGES_ALONE = {
    "download": "the lists of the API are JSON, a page at a time",
    "make_token": "a token that makes tokens would outlive its own end",
    "revoke_token": "whoever finds a token must not be able to shut the others out",
}
"""Actions that the API leaves to people, and why."""

VIEWS = {name: view for route, view, name in ROUTES if f"/{ACTIONS_AT}" in f"/{route}"}
OPERATIONS = {
    f"{method} {path}": operation for path, operations in PATHS.items() for method, operation in operations.items()
}


def test_every_action_of_the_pages_has_its_counterpart_or_a_reason_for_having_none() -> None:
    assert sorted([*COUNTERPARTS, *PAGES_ALONE]) == sorted(VIEWS)


def test_the_api_does_nothing_that_no_page_does() -> None:
    writes = {each for each in OPERATIONS if not each.startswith("get ")}

    assert writes == set().union(*COUNTERPARTS.values())


@pytest.mark.parametrize("name", COUNTERPARTS)
def test_an_act_takes_the_same_right_from_both(name: str) -> None:
    right, _ = ACTS[VIEWS[name]]

    for each in COUNTERPARTS[name]:
        operation = OPERATIONS[each]
        assert (ALSO in operation) == (not isinstance(right, Right))
        assert operation[RIGHT] == (right if isinstance(right, Right) else Right.VIEW)


@pytest.mark.parametrize(
    "page",
    ["jobs", "failures", "queues", "workers", "schedule", "batches", "alerts", "activity", "health", "bin", "views"],
)
def test_every_list_of_the_pages_is_one_of_the_api(page: str) -> None:
    assert f"get /{page}" in OPERATIONS
    assert any(route == f"{page}/" for route, _, _ in ROUTES)
