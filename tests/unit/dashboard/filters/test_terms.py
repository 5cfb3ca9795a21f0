"""The language that jobs are asked for in."""

from __future__ import annotations

import random
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from allegro_queue.dashboard.filters.keys import KEYS
from allegro_queue.dashboard.filters.pairs import pairs_of, read_pairs
from allegro_queue.dashboard.filters.spans import Span, number_span, seconds_span, time_span
from allegro_queue.dashboard.filters.terms import LONGEST, MOST_TERMS, Term, parse, typed


def problems(text: str) -> list[str]:
    return [str(each) for each in parse(text).problems]


def test_words_and_terms_are_told_apart() -> None:
    parsed = parse('state:failed queue:high,default tag:tenant:42 -func:send deliver -later "exact words"')

    assert parsed.problems == ()
    assert parsed.terms == (
        Term(key="state", values=("failed",)),
        Term(key="queue", values=("high", "default")),
        Term(key="tag", values=("tenant:42",)),
        Term(key="func", values=("send",), excluded=True),
        Term(key="", values=("deliver",)),
        Term(key="", values=("later",), excluded=True),
        Term(key="", values=("exact words",)),
    )


def test_quotes_keep_spaces_commas_colons_and_quotes() -> None:
    parsed = parse('tag:"a, b",c "state:failed" "say \\"no\\" and C:\\\\x"')

    assert [term.values for term in parsed.terms] == [("a, b", "c"), ("state:failed",), ('say "no" and C:\\x',)]
    assert [term.key for term in parsed.terms] == ["tag", "", ""]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("deliver stat:failed", "Character 9: There is nothing called “stat” to ask for; did you mean 'state'? "),
        ("queue:", "Character 1: queue: has no value; write queue:high,default."),
        ("queue:a,,b", "Character 1: queue: has no value"),
        ('x "not closed', 'Character 3: The quote in “"not closed” is not closed.'),
        ("state:nope", "Character 1: state: there is no state “nope”; known are "),
        ("state:faild", "Character 1: state: there is no state “faild”; did you mean 'failed'?"),
        ("state:failed,waiting", "Character 1: state: only finished, failed, retried, lost, stopped can be asked for"),
        ("queue:a queue:b", "queue: is asked for twice; write queue:this,that for either."),
        ("run:5s", "Character 1: run: “5s” cannot be read; write >30s, <10m or 1m..2h."),
        ("run:>1s,>2s", "Character 1: run: takes one value; write a range"),
        ("age:2h..1h", "Character 1: age: “2h..1h” ends before it begins."),
        ("attempt:two", "Character 1: attempt: “two” cannot be read; write 3, >1 or 2..4."),
        ("at:2026-13-40", "Character 1: at: “2026-13-40” cannot be read; write 2026-11-20"),
        ("at:2300-01-01..", "Character 1: at: “2300-01-01..” cannot be read; write 2026-11-20"),
        ("at:..", "Character 1: at: it has neither a beginning nor an end."),
        ("at:2026-11-21..2026-11-20", "Character 1: at: “2026-11-21..2026-11-20” ends before it begins."),
        ("silenced:maybe", "Character 1: silenced: write silenced:yes or silenced:no."),
        ("-state:failed", "Character 1: state: cannot be excluded"),
        ('""', 'Character 1: “""” holds no word.'),
        ("a\x00b", "Character 1: “a\x00b” holds a character that no text has."),
        ("x" * (LONGEST + 1), "The filter has 501 characters; at most 500 are read, so none of it was."),
    ],
)
def test_what_is_not_understood_is_said_with_its_place(text: str, problem: str) -> None:
    assert [each for each in problems(text) if each.startswith(problem)], problems(text)


def test_what_is_understood_stands_beside_what_is_not() -> None:
    parsed = parse("queue:high nope:1 deliver")

    assert [term.key for term in parsed.terms] == ["queue", ""]
    assert len(parsed.problems) == 1


def test_too_many_terms_are_named_one_by_one() -> None:
    parsed = parse(" ".join(f"w{number}" for number in range(MOST_TERMS + 2)))

    assert len(parsed.terms) == MOST_TERMS
    assert [each.words.partition(" ")[0] for each in parsed.problems] == ["w20", "w21"]


def test_the_example_of_each_key_can_be_read() -> None:
    for key in KEYS.values():
        assert problems(key.example) == []


def test_typing_and_addresses_say_the_same() -> None:
    luck = random.Random(5)
    letters = 'ab "\\,:-é'
    for _ in range(500):
        word = "".join(luck.choice(letters) for _ in range(luck.randint(1, 8)))
        tags = tuple(
            {"".join(luck.choice(letters) for _ in range(luck.randint(1, 6))).strip() or "t" for _ in range(2)}
        )
        terms = (
            Term(key="state", values=("failed",)),
            Term(key="tag", values=tags, excluded=luck.random() < 0.5),
            *([Term(key="", values=(word,), excluded=luck.random() < 0.5)] if word.strip() else []),
        )

        assert parse(typed(terms)).terms == terms
        assert read_pairs(pairs_of(terms)).terms == terms


@pytest.mark.parametrize(
    "text",
    ['"', '\\"', '-"', ":", "-:", "a:", ",", "tag:,", 'tag:"', "--x", "\u202e", "args.:1", "args.a.b:1", "-" * 400],
)
def test_no_text_is_lost_in_silence(text: str) -> None:
    parsed = parse(text)

    assert parsed.terms or parsed.problems


def test_other_names_of_states_are_understood() -> None:
    assert parse("state:succeeded,LOST").terms == (Term(key="state", values=("finished", "lost")),)


def test_spans_of_seconds() -> None:
    assert seconds_span(">30s") == Span(30, None)
    assert seconds_span("<=1.5m") == Span(None, 90)
    assert seconds_span("200ms..2h") == Span(0.2, 7200)


def test_spans_of_numbers_leave_the_bound_out_when_they_say_so() -> None:
    assert number_span("3") == Span(3, 3)
    assert number_span(">1") == Span(2, None)
    assert number_span(">=1") == Span(1, None)
    assert number_span("<3") == Span(None, 2)


def test_a_day_is_as_long_as_its_clock_says() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    def hours(day: str) -> float:
        span = time_span(day, berlin)
        assert span.least is not None
        assert span.most is not None
        return (span.most - span.least) / 3600

    assert [hours(day) for day in ("2026-03-29", "2026-10-25", "2026-11-20")] == [23, 25, 24]


def test_times_have_an_open_end() -> None:
    assert time_span("1970-01-02T00:01..", UTC) == Span(86_460, None)
    assert time_span("..1970-01-02", UTC) == Span(None, 2 * 86_400)
    assert time_span("1970-01-01T00:00:05", UTC) == Span(5, 6)
