"""What people are sent: how it is worded, and that it is in the language of the site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from allegro_queue.alerts.rules import RULES
from allegro_queue.alerts.standing import Event, Happening, Standing
from allegro_queue.alerts.wording import Message, messages_of, trial
from allegro_queue.tellings import telling_of
from tests.support import pseudo

SAID = telling_of("no worker lives; {n} job waits", "no worker lives; {n} jobs wait", 3)
WRONG = Event(
    happening=Happening.FIRED,
    standing=Standing(rule="no_workers", subject="high", said=SAID, since=0.0),
    channels=("mail",),
)
AGAIN = replace(WRONG, happening=Happening.AGAIN)
OVER = replace(WRONG, happening=Happening.OVER, standing=replace(WRONG.standing, clear_since=90.0))


def message(*events: Event) -> Message:
    [found] = messages_of(events, "staging", "https://example.com/horizon/")
    return found


@pytest.mark.parametrize(
    ("events", "subject", "line"),
    [
        ([WRONG], "[staging] Nobody works on a queue: high", "No worker lives; 3 jobs wait."),
        ([AGAIN], "[staging] Still: Nobody works on a queue: high", "Still: no worker lives; 3 jobs wait."),
        ([OVER], "[staging] Over: Nobody works on a queue: high", "Over after 90 s: no worker lives; 3 jobs wait."),
        ([OVER, WRONG, WRONG], "[staging] Nobody works on a queue: high (and 2 more)", "Over after 90 s: no worker"),
    ],
)
def test_the_worst_stands_in_the_subject_and_each_in_a_line(events: list[Event], subject: str, line: str) -> None:
    assert message(*events).subject == subject
    assert message(*events).body.startswith(line)


def test_good_news_are_those_in_which_nothing_is_wrong_any_more() -> None:
    assert [message(*each).is_over for each in ([OVER], [OVER, WRONG], [AGAIN], [WRONG])] == [True, False, False, False]


def test_all_of_a_message_is_in_the_language_of_the_site(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.LANGUAGE_CODE = pseudo.LANGUAGE
    pseudo.speak(monkeypatch)
    many = [replace(WRONG, standing=replace(WRONG.standing, rule=rule)) for rule in RULES] * 3

    for found in (message(WRONG), message(AGAIN), message(OVER), message(*many), trial("mail", "staging", "ada", "")):
        assert pseudo.letters_outside(found.subject.removeprefix("[staging] ")) == ""
        assert pseudo.letters_outside(found.body.replace("https://example.com/horizon/alerts/", "")) == ""
