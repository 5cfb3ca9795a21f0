from __future__ import annotations

from typing import Any

import pytest

from allegro_queue.history.tags import MOST_TAGS, parameters_of, tags_of


@pytest.mark.parametrize(
    ("keywords", "tags"),
    [
        ({"member_id": 42}, ("member:42",)),
        ({"organization_pk": "news-7"}, ("organization:news-7",)),
        ({"order_ids": [1, 2]}, ("order:1", "order:2")),
        ({"line_item_id": 3}, ("line_item:3",)),
        ({"id": 3, "member": 4, "_id": 5, "valid": 1}, ()),
        ({"member_id": None, "other_id": True, "price_id": 1.5, "map_id": {}}, ()),
        ({"member_id": "two words", "url_id": "https://x/y"}, ()),
        ({"session_id": "abc", "token_id": 7, "api_key_id": 3}, ()),
        ({"order_ids": list(range(100))}, tuple(f"order:{number}" for number in range(5))),
    ],
)
def test_an_argument_that_is_an_id_makes_a_tag(keywords: dict[str, Any], tags: tuple[str, ...]) -> None:
    assert tags_of((), "shop.pay", [], keywords) == tags


def test_positional_arguments_have_the_names_that_the_function_gives_them() -> None:
    assert parameters_of("tests.unit.history.test_tags.pay_member") == ("member_id", "amount")
    assert tags_of((), "tests.unit.history.test_tags.pay_member", [42, 3], {}) == ("member:42",)


def pay_member(member_id: int, amount: int, *more: int) -> None:
    """A job."""


@pytest.mark.parametrize("name", ["os.system", "tests.unit.history.test_tags.gone", "tests.nothing.at.all", "", "x"])
def test_a_function_that_may_not_run_or_is_not_there_names_nothing(name: str) -> None:
    assert parameters_of(name) == ()


def test_given_tags_come_first_each_once_on_one_line_and_not_too_many() -> None:
    assert tags_of(("import", " a\n b ", "member:42"), "", [], {"member_id": 42}) == ("import", "a b", "member:42")
    assert len(tags_of([f"t{number}" for number in range(99)], "", [], {})) == MOST_TAGS
    assert len(tags_of(["x" * 1_000_000], "", [], {})[0]) == 100
