"""What people did is told in the reader's language: the journal's words are known to the pages."""

from __future__ import annotations

import allegro_queue.dashboard.urls  # noqa: F401 - its views are all there are
from allegro_queue.dashboard.acting.actions import ACTS
from allegro_queue.dashboard.page.deeds import ACTIONS, action_words


def test_every_act_of_a_page_has_words() -> None:
    acts = {act.__name__.replace("_", " ") for _, act in ACTS.values()}

    assert acts - set(ACTIONS) == set()


def test_what_another_version_noted_is_shown_as_it_was_noted() -> None:
    assert action_words("fold a job") == "fold a job"
