from __future__ import annotations

import pytest

from allegro_queue.dashboard.metrics.first_graph import in_about


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (300, "First graph in about 5 min"),
        (241, "First graph in about 5 min"),
        (240, "First graph in about 4 min"),
        (3, "First graph in about 1 min"),
        (-59, "First graph in about 1 min"),
        (-61, ""),
    ],
)
def test_the_first_graph_is_counted_down_in_minutes(seconds: float, words: str) -> None:
    assert in_about(seconds) == words
