from __future__ import annotations

import pytest

from allegro_queue.workers.recycling import MEBIBYTE, NO_LIMITS, Share, reason_to_leave


@pytest.mark.parametrize(
    ("share", "reason"),
    [
        (Share(max_jobs=10), "it has run 10 jobs (max_jobs = 10)"),
        (Share(max_time=60), "it has worked for 60 seconds (max_time = 60)"),
        (Share(memory=199), "it has grown to 200 MiB (memory = 199)"),
        (Share(max_jobs=11, max_time=61, memory=200), ""),
        (NO_LIMITS, ""),
    ],
)
def test_a_worker_leaves_when_its_share_is_done_and_says_which(share: Share, reason: str):
    assert reason_to_leave(share, jobs=10, seconds=60, memory_bytes=200 * MEBIBYTE) == reason


def test_memory_that_is_not_known_is_no_reason():
    assert reason_to_leave(Share(memory=1), jobs=1, seconds=1, memory_bytes=0) == ""
