"""The pictures in the documentation: none is missing, none is left over, and they stay light."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from allegro_queue.dashboard.page.frame import counted_items, navigation

DOCS = Path(__file__).resolve().parents[2] / "docs"
PICTURES = DOCS / "pictures"
TEXT = (DOCS / "pages.md").read_text()
KINDS = [f"{width}-{theme}" for width in (1280, 360) for theme in ("light", "dark")]
NAVIGATION = [item.icon for group in navigation("", *counted_items("", failed=0, firing=0)) for item in group]
MOST_BYTES = 5_000_000


@pytest.mark.parametrize("page", NAVIGATION)
def test_each_page_of_the_navigation_is_shown_in_both_themes_and_on_a_phone(page: str) -> None:
    for kind in KINDS:
        assert f"pictures/{page}-{kind}.webp" in TEXT
        assert (PICTURES / f"{page}-{kind}.webp").is_file()


@pytest.mark.parametrize("entry", re.findall(r"^## .+?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
def test_each_entry_asks_a_question_before_its_pictures(entry: str) -> None:
    _, question, rest = entry.split("\n\n", 2)

    assert question.endswith("?")
    assert rest.startswith("<picture>")


def test_each_picture_is_shown_and_each_that_is_shown_is_there() -> None:
    shown = set(re.findall(r"pictures/([\w.-]+)", TEXT))

    assert shown == {each.name for each in PICTURES.iterdir()}


def test_all_pictures_together_stay_light() -> None:
    assert sum(each.stat().st_size for each in PICTURES.iterdir()) < MOST_BYTES
