"""Runs by a filter, on each database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from allegro_queue.history import exact_counts, run_pages, search_index
from allegro_queue.history.counting import Matches, count_runs, counts_by_outcome
from allegro_queue.history.exact_counts import count_to_the_end
from allegro_queue.history.filters import Filter
from allegro_queue.history.run_pages import find_runs
from allegro_queue.stores import Stores
from tests.support.postgres import a_postgres_server
from tests.support.running import manage
from tests.support.runs import RUNS, collected, failed_record, run_record

NOW = time.time()
NOTES = {3: "100% Großes_Wort", 5: "Bestellungsannahme", 6: "Bestellungsabbruch"}


def fill(redis: Redis) -> None:
    """Twenty runs; the third of each five failed, the fifth was tried again."""
    for number in range(20):
        kind = failed_record if number % 5 in (2, 4) else run_record
        record = kind(
            NOW - 1000 + number,
            execution_id=f"execution{number:02}",
            job_id=f"job{number // 2}",
            name=f"shop.orders.jobs.{'pay' if number % 2 else 'refund'}",
            queue="high" if number % 3 == 0 else "default",
            outcome="failed" if number % 5 == 2 else "retried" if number % 5 == 4 else "succeeded",
            terms=json.dumps({"tags": ["import"] if number % 4 == 0 else [], "tenant": "7" if number > 15 else ""}),
            call=json.dumps([[], {"member_id": number, "note": NOTES.get(number, "")}]),
        )
        redis.xadd(RUNS, {"run": record.encode()}, id=f"{int((NOW - 1000 + number) * 1000)}-0")


FILTERS = {
    "everything": (Filter(), set(range(20))),
    "an outcome": (Filter(outcomes=("failed",)), {2, 7, 12, 17}),
    "two outcomes": (Filter(outcomes=("failed", "retried")), {2, 4, 7, 9, 12, 14, 17, 19}),
    "a queue": (Filter(queue="high"), {0, 3, 6, 9, 12, 15, 18}),
    "a name": (Filter(name="shop.orders.jobs.pay"), set(range(1, 20, 2))),
    "a tag": (Filter(tag="import"), {0, 4, 8, 12, 16}),
    "a derived tag": (Filter(tag="member:3"), {3}),
    "a tag with a wildcard": (Filter(tag="memb_r:3"), set()),
    "a tag in other letters": (Filter(tag="IMPORT", queue="default", job_id="job2"), set()),
    "a tenant": (Filter(tenant="7"), {16, 17, 18, 19}),
    "an exception": (Filter(exception="ValueError"), {2, 4, 7, 9, 12, 14, 17, 19}),
    "a job": (Filter(job_id="job3"), {6, 7}),
    "a time": (Filter(since=NOW - 996, until=NOW - 993), {4, 5, 6}),
    "a word": (Filter(text="refund"), set(range(0, 20, 2))),
    "a word in capitals and one by its beginning": (Filter(text="GROSSES"), set()),
    "letters of any language": (Filter(text="großes wo"), {3}),
    "a number": (Filter(text="member 17"), {17}),
    "words that are no operators": (Filter(text='refund OR "pay" & ! :* NOT'), set()),
    "long words by their beginning": (Filter(text="bestellungs"), {5, 6}),
    "a long word that begins like another": (Filter(text="bestellungsann"), {5}),
    "a long word and a queue": (Filter(text="bestellungsann", queue="default"), {5}),
    "a long word and a queue that has another": (Filter(text="bestellungsann", queue="high"), set()),
    "no word": (Filter(text="% _ *"), set(range(20))),
    "a host that no index knows": (Filter(host="web-1"), set(range(20))),
    "all at once": (
        Filter(outcomes=("failed",), queue="default", name="shop.orders.jobs.pay", tag="member:7", text="closed"),
        {7},
    ),
    "a tag and a time and a tenant": (Filter(tag="import", tenant="7", since=NOW - 999), {16}),
    "nothing silenced": (Filter(silenced=True), set()),
    "what is not silenced": (Filter(silenced=False, queue="high"), {0, 3, 6, 9, 12, 15, 18}),
}


@pytest.mark.django_db(transaction=True)
def test_words_are_found_after_their_index_was_made_anew(stores: Stores) -> None:
    fill(stores.client)
    collected(stores)

    with connection.schema_editor() as editor:
        search_index.create_anew(None, editor)

    assert [each.job_id for each in find_runs(Filter(text="bestellungsann")).rows] == ["job2"]


@pytest.mark.django_db
@pytest.mark.parametrize("asked", FILTERS)
def test_a_filter_finds_what_it_asks_for_newest_first(stores: Stores, asked: str) -> None:
    fill(stores.client)
    collected(stores)
    wanted, numbers = FILTERS[asked]

    page = find_runs(wanted)

    assert [row.execution_id for row in page.rows] == [f"execution{number:02}" for number in sorted(numbers)[::-1]]
    assert (page.after, page.searched_to) == (0, None)
    assert (count_runs(wanted).count, count_runs(wanted).is_more) == (len(numbers), False)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", FILTERS)
def test_its_pages_together_are_the_same_without_a_run_twice(
    stores: Stores, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stores.client)
    collected(stores)
    monkeypatch.setattr(run_pages, "SEARCHED", 4)
    wanted, numbers = FILTERS[asked]

    assert page_by_page(wanted) == [f"execution{number:02}" for number in sorted(numbers)[::-1]]


@pytest.mark.django_db
@pytest.mark.parametrize("asked", FILTERS)
def test_it_is_counted_to_the_end_slice_by_slice(stores: Stores, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(stores.client)
    collected(stores)
    monkeypatch.setattr(exact_counts, "SLICE", 4)
    wanted, numbers = FILTERS[asked]

    found = count_to_the_end(wanted, patience=60)

    assert (found.number, found.back_to) == (len(numbers), None)


@pytest.mark.django_db
def test_a_count_that_goes_quickly_takes_few_questions(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    collected(stores, *(run_record(NOW) for _ in range(300)))
    monkeypatch.setattr(exact_counts, "SLICE", 4)
    monkeypatch.setattr(exact_counts, "SLICE_SECONDS", 60.0)

    with CaptureQueriesContext(connection) as asked:
        found = count_to_the_end(Filter(queue="default"), patience=60)

    assert (found.number, len(asked)) == (300, 7)


@pytest.mark.django_db
def test_all_runs_are_counted_by_one_question(stores: Stores) -> None:
    collected(stores, *(run_record(NOW) for _ in range(30)))

    with CaptureQueriesContext(connection) as asked:
        found = count_to_the_end(Filter(), patience=60)

    assert (found.number, found.back_to, len(asked)) == (30, None, 1)


@pytest.mark.django_db
def test_the_last_slice_of_a_count_of_words_costs_no_more_than_the_first(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected(stores, *(run_record(NOW) for _ in range(1_500)))
    costs, last = [], 0

    for _ in range(15):
        with steps_of_sqlite() as steps:
            fitting, _, last = exact_counts.count_slice(Filter(text="pay"), last, 100)
        assert fitting == 100
        costs.append(len(steps))

    assert costs[-1] < 1.5 * costs[0]


@contextmanager
def steps_of_sqlite() -> Iterator[list[None]]:
    """One entry for each hundred steps of its machine."""
    steps: list[None] = []
    connection.connection.set_progress_handler(lambda: steps.append(None), 100)
    try:
        yield steps
    finally:
        connection.connection.set_progress_handler(None, 0)


def page_by_page(wanted: Filter) -> list[str]:
    """The executions of all pages."""
    found, after = [], 0
    for _ in range(30):
        page = find_runs(wanted, after=after, limit=3)
        assert len(page.rows) <= 3
        found += [row.execution_id for row in page.rows]
        after = page.after
        if not after:
            break
    return found


@pytest.mark.django_db
def test_a_page_that_stopped_short_says_up_to_when_it_has_looked(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stores.client)
    collected(stores)
    monkeypatch.setattr(run_pages, "SEARCHED", 5)

    page = find_runs(Filter(host="elsewhere"))

    assert page.rows == ()
    assert page.searched_to == pytest.approx(NOW - 1000 + 15, abs=0.01)
    assert page.after


@pytest.mark.django_db
def test_new_runs_do_not_move_the_rows_of_the_next_page(stores: Stores) -> None:
    fill(stores.client)
    collected(stores)
    first = find_runs(Filter(), limit=10)
    collected(stores, run_record(NOW))

    second = find_runs(Filter(), after=first.after, limit=10)

    assert [row.execution_id for row in second.rows] == [f"execution{number:02}" for number in range(9, -1, -1)]


@pytest.mark.django_db
def test_counts_stop_at_their_bound_and_say_so(stores: Stores) -> None:
    fill(stores.client)
    collected(stores)

    assert str(count_runs(Filter(queue="default"), most=5)) == "5+"
    assert str(count_runs(Filter(queue="default", host="web-1"), most=5)) == "5+"
    assert str(count_runs(Filter())) == "20"


@pytest.mark.django_db
def test_an_outcome_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match="no outcome 'done'; there are failed, lost"):
        find_runs(Filter(outcomes=("done",)))


ASK = """
import json
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.integration.history.test_run_pages import FILTERS, count_runs, count_to_the_end, find_runs, page_by_page
found = {}
for name, (wanted, _) in FILTERS.items():
    with CaptureQueriesContext(connection) as asked:
        find_runs(wanted, limit=3)
    counts = [count_runs(wanted).count, count_to_the_end(wanted, patience=60).number]
    found[name] = [page_by_page(wanted), *counts, len(asked) <= 2]
print(json.dumps(found))
"""


@pytest.fixture
def postgres_url(postgres_programs: Path) -> Iterator[str]:
    with a_postgres_server(postgres_programs) as url:
        yield url


def test_postgresql_finds_the_same(redis: Redis, postgres_url: str, tmp_path: Path) -> None:
    fill(redis)
    # Words of the newest are looked for in another way than those of the others.
    (tmp_path / "ask.py").write_text(
        "from allegro_queue.history import exact_counts, rare_words, run_pages\n"
        f"import tests.integration.history.test_run_pages as asked\nasked.NOW = {NOW!r}\nrun_pages.SEARCHED = 4\n"
        f"rare_words.PROBED = 10\nexact_counts.SLICE = 4\n{ASK}"
    )
    for command in (("migrate", "allegro_queue"), ("horizon_collect", "--until-empty")):
        done = manage(*command, DATABASE_URL=postgres_url)
        assert done.returncode == 0, done.stderr

    answer = manage("shell", "-c", f"exec(open({str(tmp_path / 'ask.py')!r}).read())", DATABASE_URL=postgres_url)

    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    for name, (wanted, numbers) in FILTERS.items():
        if wanted.since or wanted.until:
            # That module reads the clock for itself.
            continue
        assert found[name] == [
            [f"execution{number:02}" for number in sorted(numbers)[::-1]],
            len(numbers),
            len(numbers),
            True,
        ], name


@pytest.mark.django_db
def test_those_that_succeeded_are_what_the_others_leave_and_are_counted_only_where_those_are_too_many(
    stores: Stores, django_assert_num_queries: Any
) -> None:
    succeeded = [run_record(NOW - 10) for _ in range(7)]
    others = [failed_record(NOW - 5, outcome=each) for each in ("failed", "failed", "failed", "retried", "lost")]
    collected(stores, *succeeded, *others)

    with django_assert_num_queries(1):
        found = counts_by_outcome(most=4)
    assert {name: str(each) for name, each in found.items()} == {
        "succeeded": "7", "failed": "3", "retried": "1", "lost": "1", "stopped": "0",
    }  # fmt: skip

    with django_assert_num_queries(2):
        found = counts_by_outcome(most=2)
    assert found["failed"] == found["succeeded"] == Matches(2, is_more=True)
    assert found["retried"] == Matches(1, is_more=False)


@pytest.mark.django_db
def test_where_nothing_was_ever_collected_no_run_ended_in_any_way(stores: Stores) -> None:
    assert {each.count for each in counts_by_outcome().values()} == {0}
