"""Who is told of what, from one look to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.options import QuietHours, RuleOptions
from allegro_queue.alerts.rule import Finding, Rule
from allegro_queue.alerts.standing import Standing, advance
from allegro_queue.tellings import verbatim

NOON = time(12, 0)
NIGHT = QuietHours(time(22, 0), time(7, 0))


class Story:
    """One rule over time; its fault is there or not, as the test says."""

    def __init__(self, **given: Any) -> None:
        self.wrong: list[str] = []
        self.known = True
        self.standings: tuple[Standing, ...] = ()
        rule = Rule(name="it", title="It", look=self._look, knows=lambda facts: self.known)
        self.options = RuleOptions(
            **{
                "rule": rule,
                "threshold": 0.0,
                "least": 0,
                "after": 60.0,
                "clear": 30.0,
                "repeat": 3600.0,
                "quiet": (),
                "channels": ("mail",),
                **given,
            }
        )

    def _look(self, facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
        yield from (Finding(each, verbatim(f"{each} is wrong")) for each in self.wrong)

    def at(self, now: float, *, muted: bool = False, clock: time = NOON) -> list[tuple[str, tuple[str, ...], str]]:
        """What happens at a look: each event with who is told, and why nobody is."""
        found = advance(self.standings, Facts(at=now), {"it": self.options}, frozenset({"it"} if muted else ()), clock)
        self.standings = found.standings
        return [(each.happening.value, each.channels, each.held) for each in found.events]


@pytest.fixture
def story() -> Story:
    story = Story()
    story.wrong = ["high"]
    return story


def test_it_fires_only_when_it_has_held_for_long_enough(story: Story):
    assert [story.at(0), story.at(59), story.at(60)] == [[], [], [("fired", ("mail",), "")]]


def test_what_goes_away_in_time_is_told_to_nobody(story: Story):
    story.at(0)
    story.wrong = []

    assert story.at(30) == []
    assert story.standings == ()


def test_it_is_told_again_after_the_interval_and_not_before(story: Story):
    story.at(0)
    story.at(60)

    assert story.at(3659) == []
    assert story.at(3660) == [("again", ("mail",), "")]


def test_without_an_interval_it_is_told_once(story: Story):
    story.options = replace(story.options, repeat=0.0)
    story.at(0)
    story.at(60)

    assert story.at(1_000_000) == []


def test_its_end_is_told_once_nothing_is_wrong_for_a_while(story: Story):
    story.at(0)
    story.at(60)
    story.wrong = []

    assert [story.at(70), story.at(99), story.at(100)] == [[], [], [("over", ("mail",), "")]]
    assert story.standings == ()


def test_what_comes_and_goes_is_told_once(story: Story):
    story.at(0)
    told = story.at(60)
    for now in range(70, 400, 20):
        story.wrong = [] if now % 40 == 30 else ["high"]
        told += story.at(now)

    assert told == [("fired", ("mail",), "")]


def test_what_is_not_known_goes_on_as_it_was(story: Story):
    story.at(0)
    story.at(60)
    story.wrong, story.known = [], False

    assert story.at(1000) == []
    assert [each.subject for each in story.standings] == ["high"]


def test_a_muted_rule_fires_and_tells_nobody_and_tells_when_the_mute_ends(story: Story):
    story.at(0, muted=True)

    assert story.at(60, muted=True) == [("fired", (), "muted")]
    assert story.at(65, muted=True) == []
    assert story.at(70) == [("again", ("mail",), "")]


def test_the_end_of_what_nobody_was_told_is_told_to_nobody(story: Story):
    story.at(0, muted=True)
    story.at(60, muted=True)
    story.wrong = []
    story.at(70, muted=True)

    assert story.at(100) == [("over", (), "nobody was told")]


def test_in_quiet_hours_nobody_is_told_until_they_end(story: Story):
    story.options = replace(story.options, quiet=(NIGHT,))
    story.at(0, clock=time(23, 0))

    assert story.at(60, clock=time(23, 1)) == [("fired", (), "quiet hours")]
    assert story.at(8 * 3600, clock=time(7, 0)) == [("again", ("mail",), "")]


def test_an_end_in_quiet_hours_is_told_when_they_are_over(story: Story):
    story.options = replace(story.options, quiet=(NIGHT,))
    story.at(0, clock=time(21, 0))
    story.at(60, clock=time(21, 1))
    story.wrong = []
    story.at(3600, clock=time(22, 0))

    assert story.at(3700, clock=time(22, 2)) == []
    assert story.at(36_000, clock=time(7, 0)) == [("over", ("mail",), "")]


@pytest.mark.parametrize(
    ("clock", "quiet"), [(time(21, 59), False), (time(22, 0), True), (time(3, 0), True), (time(7, 0), False)]
)
def test_quiet_hours_may_go_over_midnight(clock: time, quiet: bool):
    assert NIGHT.hold(clock) is quiet


def test_each_subject_is_an_alert_of_its_own(story: Story):
    story.at(0)
    story.wrong = ["high", "default"]
    story.at(30)

    assert story.at(60) == [("fired", ("mail",), "")]
    assert story.at(90) == [("fired", ("mail",), "")]


def test_what_no_database_takes_as_text_keeps_no_alert_from_being_written(story: Story):
    story.wrong = ["a\x00b", "c\ud800"]
    story.at(0)

    assert [(each.subject, each.text) for each in story.standings] == [("ab", "ab is wrong"), ("c?", "c? is wrong")]
    assert story.standings[0].said.places == {"words": "ab is wrong"}


def test_a_rule_speaks_of_a_limited_number_of_things(story: Story):
    story.wrong = [str(number) for number in range(1000)]
    story.at(0)

    assert len(story.standings) == 50
