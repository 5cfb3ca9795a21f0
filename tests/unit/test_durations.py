from __future__ import annotations

import pytest

from allegro_queue.durations import InvalidDuration, seconds_in


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30s", 30), ("15m", 900), ("2h", 7200), ("1d", 86400)])
def test_a_duration_is_read_in_its_unit(text: str, seconds: int):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "m", "-5m", "1.5h", "5 weeks", "0s"])
def test_what_is_no_duration_is_refused_with_examples(text: str):
    with pytest.raises(InvalidDuration, match="write 90, 30s, 15m, 2h or 1d"):
        seconds_in(text)
