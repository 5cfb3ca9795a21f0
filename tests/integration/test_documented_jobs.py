"""The examples of docs/jobs.md, run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redis import Redis

from allegro_queue.jobs import declared_options
from allegro_queue.terms import Terms, decode_terms

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "jobs.md"


@pytest.fixture
def page(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that all examples of the page have made, run from its top."""
    module = ModuleType("tests.documented_jobs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for example in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(compile(example, str(PAGE), "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


@pytest.mark.django_db(transaction=True)
def test_every_example_does_what_the_page_says(page: dict[str, Any], redis: Redis):
    assert page["sent"].queued == 2000
    assert (page["first"].queued, page["second"].queued) == (True, False)
    assert page["second"].holder == page["first"]
    # One by itself and 2,000 in bulk.
    assert redis.llen("rq:queue:high") == 1 + 2000
    assert redis.llen("rq:queue:default") == 3
    # Three by themselves and three in bulk.
    assert redis.zcard("rq:scheduled:high") == 6
    assert terms_of_last(redis) == Terms(tags=("member:7", "sync"), tenant="acme")


@pytest.mark.django_db(transaction=True)
def test_every_option_that_an_example_declares_is_in_the_table(page: dict[str, Any]):
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    said = [declared_options(each) for each in page.values() if hasattr(each, "horizon_options")]

    used = {name for options in said for name in rows if getattr(options, name) is not None}

    assert len(said) == 10
    assert rows - used == {"tenant", "keep_completed", "keep_failed"}


def terms_of_last(redis: Redis) -> Terms:
    job_id = redis.lindex("rq:queue:default", -1).decode()
    return decode_terms(redis.hget(f"rq:job:{job_id}", "horizon"))
