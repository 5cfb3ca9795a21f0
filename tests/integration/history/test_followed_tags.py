"""Tags that somebody follows."""

from __future__ import annotations

import json
import time

import pytest

from allegro_queue.history.filters import Filter
from allegro_queue.history.followed_tags import follow, followed_tags, stop_following
from allegro_queue.history.run_pages import find_runs
from allegro_queue.stores import Stores
from tests.support.runs import collected, failed_record, run_record

NOW = time.time()


@pytest.mark.django_db
def test_a_tag_is_followed_from_now_on_and_let_go_of(stores: Stores) -> None:
    call = json.dumps([[], {"member_id": 5}])
    collected(stores, run_record(NOW, call=call))
    assert follow("member:5", by="ada", now=NOW)
    assert not follow(" member:5 ", by="bob", now=NOW)
    collected(stores, run_record(NOW, call=call), failed_record(NOW, call=call))

    (found,) = followed_tags()
    assert (found.tag, found.by, found.succeeded, found.failed) == ("member:5", "ada", 1, 1)
    assert len(find_runs(Filter(tag="member:5")).rows) == 3
    assert stop_following("member:5")
    assert followed_tags() == []
    with pytest.raises(ValueError, match="give a tag"):
        follow("  ", by="ada", now=NOW)
