"""Sentences that one process says and others read later, each in a language of its own: the message and what goes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from allegro_queue.storable import storable
from allegro_queue.wording import worded

VERBATIM = "{words}"

DEEPEST = 4
"""Tellings inside of each other that are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """One sentence, or a part of one, that is not said yet."""

    one: str
    """The message, in English, with ``{places}``."""
    many: str = ""
    """The same of several; empty when nothing is counted."""
    number: int = 1
    """How many it speaks of."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """What goes in: names as they are, numbers, which each language groups its own way, and other tellings."""

    def __str__(self) -> str:
        return self.english

    @property
    def english(self) -> str:
        """For logs, the journal and the API."""
        text = self.many if self.many and self.number != 1 else self.one
        return text.format(**{name: in_english(each) for name, each in self.places.items()})

    @property
    def words(self) -> str:
        """In the language of whoever reads it."""
        if self.one == VERBATIM:
            text = VERBATIM
        elif self.many:
            text = ngettext(self.one, self.many, self.number)
        else:
            text = gettext(self.one)
        return worded(text, **{name: in_words(each) for name, each in self.places.items()})

    @property
    def storable(self) -> Telling:
        """The same, of what any database takes."""
        return replace(self, places={name: storable_place(each) for name, each in self.places.items()})

    def as_columns(self, longest: int) -> tuple[str, dict[str, Any] | None]:
        """For a table: its English, as any database takes it, cut after so many letters; and itself as JSON, or none where
        that English is not whole, so that both agree."""
        whole = self.english
        kept = storable(whole)[:longest]
        return kept, self.as_data() if kept == whole else None

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "one": self.one,
            "many": self.many,
            "number": self.number,
            "places": {
                name: each.as_data() if isinstance(each, Telling) else each for name, each in self.places.items()
            },
        }


Place = str | int | Telling


def telling(message: str, /, **places: Place) -> Telling:
    """A sentence to be told later. Catalogues take its message from here, as from ``gettext``."""
    return Telling(one=message, places=places)


def telling_of(one: str, many: str, number: int, /, **places: Place) -> Telling:
    """The same of one or several, whose number is the place ``n``."""
    return Telling(one=one, many=many, number=number, places={"n": number, **places})


def one_after_another(*sentences: Telling) -> Telling:
    """Sentences that stand by themselves, said in a row."""
    return in_a_row(" ", sentences)


def in_a_list(*parts: Telling) -> Telling:
    """A list, with commas between its parts."""
    return in_a_row(", ", parts)


def in_a_row(between: str, parts: Sequence[Telling]) -> Telling:
    """There is nothing to translate in its message, which is places alone."""
    if len(parts) == 1:
        return parts[0]
    places = {f"part{number}": each for number, each in enumerate(parts)}
    return Telling(one=between.join(f"{{{name}}}" for name in places), places=places)


def told_by(error: BaseException) -> Telling:
    """Why, as an error says it: one whose message is a telling can be told in any language."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Telling) else verbatim(str(error))


def verbatim(words: str) -> Telling:
    """Words that are the same in every language, or known in one only."""
    return Telling(one=VERBATIM, places={"words": words})


def storable_place(place: Place) -> Place:
    if isinstance(place, Telling):
        return place.storable
    return storable(place) if isinstance(place, str) else place


def in_english(place: Place) -> str:
    if isinstance(place, Telling):
        return place.english
    return f"{place:,}" if isinstance(place, int) else place


def in_words(place: Place) -> str:
    if isinstance(place, Telling):
        return place.words
    return number_format(place, use_l10n=True, force_grouping=True) if isinstance(place, int) else place


def read_telling(given: Any, otherwise: str) -> Telling:
    """A telling from its JSON; what it said in English when there is none, or none that this version can tell."""
    try:
        return parsed(given, 0)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return verbatim(otherwise)


def read_telling_if_any(given: Any, otherwise: str) -> Telling | None:
    """The same; ``None`` when there is none."""
    return None if given is None else read_telling(given, otherwise)


def parsed(given: Any, depth: int) -> Telling:
    """
    Raises:
        ValueError, or what else comes of JSON of another shape: it is no telling.
    """
    if depth > DEEPEST:
        raise ValueError("too many tellings inside of each other")
    places = {
        str(name): each if isinstance(each, str | int) else parsed(each, depth + 1)
        for name, each in given["places"].items()
    }
    found = Telling(one=str(given["one"]), many=str(given["many"]), number=int(given["number"]), places=places)
    if missing := (asked_in(found.one) | asked_in(found.many)) - places.keys():
        raise ValueError(f"nothing is given for {sorted(missing)}")
    return found


def asked_in(message: str) -> set[str]:
    """Names of the places in a message.

    Raises:
        ValueError: it is none, or asks for more than to be filled in.
    """
    names = set()
    for _, name, form, conversion in Formatter().parse(message):
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError("a place is a name and nothing else")
        names.add(name)
    return names
