"""Terms as an address has them: a pair for each, ``q`` for words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import KEYS
from allegro_queue.dashboard.filters.quotes import is_closed, quoted, shown
from allegro_queue.dashboard.filters.terms import LONGEST, Parsed, Problem, Term, checked, parse, read_term, typed_word
from allegro_queue.wording import worded

PLACES = {key: place for place, key in enumerate(KEYS)}


def read_pairs(pairs: Iterable[tuple[str, str]]) -> Parsed:
    """What an address asks for: a pair for each term, ``q`` for words. Pairs without a value ask for nothing."""
    terms: list[Term] = []
    problems: list[Problem] = []
    for name, given in pairs:
        if not given.strip():
            continue
        if name == "q":
            parsed = parse(given)
            terms += parsed.terms
            problems += parsed.problems
            continue
        if not is_closed(given) or len(given) > LONGEST:
            problems.append(Problem(words=worded(gettext("{name} has a value that cannot be read."), name=shown(name))))
            continue
        term, problem = read_term(name.removeprefix("-"), given, excluded=name.startswith("-"))
        if problem:
            problems.append(Problem(words=problem))
        elif term is not None:
            terms.append(term)
    return checked(terms, problems)


def pairs_of(given: Iterable[Term]) -> list[tuple[str, str]]:
    """The same terms for an address, in a fixed order, the words last."""
    terms = list(given)
    asked = sorted(
        (term for term in terms if term.key), key=lambda term: (PLACES.get(term.key, len(PLACES)), term.excluded)
    )
    words = " ".join(typed_word(term) for term in terms if not term.key)
    pairs = [("-" * term.excluded + term.key, ",".join(quoted(each, '[",]') for each in term.values)) for term in asked]
    return [*pairs, ("q", words)] if words else pairs
