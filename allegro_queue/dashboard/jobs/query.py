"""What the address of the job list asks for, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import ALL, LIVE, key_named
from allegro_queue.dashboard.filters.pairs import pairs_of, read_pairs
from allegro_queue.dashboard.filters.terms import Problem, Term, parse, typed
from allegro_queue.dashboard.page.formats import count
from allegro_queue.errors import nearest
from allegro_queue.rights import Right
from allegro_queue.stores.jobs import State
from allegro_queue.wording import worded

PAGE_SIZE = 50
MOST_PAGES = 100_000
LARGEST_ID = 2**63 - 1
OWN = frozenset({"live", "patience", "page", "after"})
"""Names in the address that ask for no jobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobQuery:
    """The terms of one list, and which page of it."""

    terms: tuple[Term, ...] = ()
    page: int = 1
    """Of a list that has no cursor."""
    after: int = 0
    """The run after which the page begins; 0 for the newest."""
    problems: tuple[Problem, ...] = ()
    box: str = ""
    """What stands in the box: as it was typed while something is wrong with it."""
    to_tidy: bool = False
    """Whether the same can be asked for by a shorter address."""

    @property
    def offset(self) -> int:
        return (self.page - 1) * PAGE_SIZE

    @property
    def states(self) -> tuple[str, ...]:
        """Chosen states; empty when nobody chose."""
        return next((term.values for term in self.terms if term.key == "state"), ())

    @property
    def others(self) -> tuple[Term, ...]:
        """All but the state."""
        return tuple(term for term in self.terms if term.key != "state")

    @property
    def asked(self) -> tuple[Term, ...]:
        """What is asked of the jobs of a state: all but it, and but whether they are in it still."""
        return tuple(term for term in self.others if term.key != "still")

    @property
    def is_plain(self) -> bool:
        """Whether nothing but state and queue is asked for, so that lists need not be searched."""
        return all(term.key == "queue" for term in self.asked)

    @property
    def is_live(self) -> bool:
        """Whether it asks for jobs that have not ended."""
        return len(self.states) == 1 and self.states[0] in LIVE

    @property
    def is_still(self) -> bool:
        """Whether it asks for jobs that are failed now."""
        return any(term.key == "still" for term in self.terms)

    def one(self, key: str) -> str:
        """The value of a key that has one; else empty."""
        found = [term for term in self.terms if term.key == key and not term.excluded]
        return found[0].values[0] if len(found) == 1 and len(found[0].values) == 1 else ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The terms as an address has them."""
        return pairs_of(self.terms)

    def in_state(self, state: str) -> list[tuple[str, str]]:
        """The same of another state."""
        return pairs_of([Term(key="state", values=(state,)), *self.asked])

    def without(self, term: Term) -> list[tuple[str, str]]:
        """All but one term."""
        return pairs_of(each for each in self.terms if each != term)


def read_query(pairs: Iterable[tuple[str, str]], queues: Sequence[str], *, may_see_payload: bool = True) -> JobQuery:
    """The query, with every problem at once; what has one is left out.

    Args:
        may_see_payload: whether arguments may be asked for: who asks often enough knows them.
    """
    given = list(pairs)
    own = {name: value for name, value in given if name in OWN}
    asked = [(name, value) for name, value in given if name not in OWN]
    typed_in = " ".join(value for name, value in asked if name == "q").strip()
    is_faulty = bool(parse(typed_in).problems)
    # What was typed stays as it is while something is wrong with it, with the other terms before it.
    before = typed(read_pairs(pair for pair in asked if pair[0] != "q").terms) if is_faulty else ""
    parsed = read_pairs(asked)
    shift = len(before) + 1 if before else 0
    problems = [replace(each, place=each.place + shift) if each.place else each for each in parsed.problems]
    terms = [term for term in parsed.terms if fits(term, parsed.terms, queues, problems)]
    if not may_see_payload and (hidden := [term for term in terms if term.key.startswith("args.")]):
        problems.append(
            Problem(
                words=worded(
                    gettext("{terms} takes the right allegro_queue.view_payload, so it is left out."),
                    terms=typed(hidden),
                )
            )
        )
        terms = [term for term in terms if term not in hidden]
    page, after = numbers(own, problems)
    return JobQuery(
        terms=tuple(terms),
        page=page,
        after=after,
        problems=tuple(problems),
        box=f"{before} {typed_in}".strip() if is_faulty else typed(ordered(terms)),
        to_tidy=not problems
        and (any(not value for _, value in asked) or any(term.key for term in parse(typed_in).terms)),
    )


def without_words(query: JobQuery) -> JobQuery:
    """For those who may not see arguments: a word is looked for in those of ended jobs too, and finding one tells it."""
    words = [term for term in query.terms if not term.key]
    if not words or query.is_live:
        return query
    problem = Problem(
        words=worded(
            gettext(
                "{words} is looked for in arguments too, which takes the right {right}, so it is left out. "
                "Use {instead}."
            ),
            words=typed(words),
            right=f"allegro_queue.{Right.VIEW_PAYLOAD}",
            instead="func:, tag:, error:",
        )
    )
    return replace(query, terms=tuple(term for term in query.terms if term.key), problems=(*query.problems, problem))


def with_default(query: JobQuery, counts: Mapping[State, int]) -> JobQuery:
    """With a state where none was chosen: what waits, or what is failed when nothing does; of a search, all."""
    if query.states or query.is_still:
        return query
    state = ALL
    still: tuple[Term, ...] = ()
    if query.is_plain:
        state = "failed" if counts[State.FAILED] and not counts[State.WAITING] else "waiting"
        still = (Term(key="still", values=("yes",)),) if state == "failed" else ()
    return replace(query, terms=(Term(key="state", values=(state,)), *query.terms, *still))


def ordered(terms: Iterable[Term]) -> list[Term]:
    """As an address has them, so that the box always says the same for the same."""
    kept = list(terms)
    return list(read_pairs(pairs_of(kept)).terms)


def fits(term: Term, terms: Sequence[Term], queues: Sequence[str], problems: list[Problem]) -> bool:
    """Whether a term can be asked of the states that are chosen; else why not is noted."""
    states = next((each.values for each in terms if each.key == "state"), ())
    live = len(states) == 1 and states[0] in LIVE
    if live and not is_live(term):
        problems.append(
            Problem(
                words=worded(
                    gettext("{term} can only be asked of jobs that have ended, not of {state} ones."),
                    term=typed([term]),
                    state=states[0],
                )
            )
        )
        return False
    if term.key == "still" and states not in ((), ("failed",)):
        problems.append(Problem(words=worded(gettext("{term} can only be asked of failed jobs."), term=typed([term]))))
        return False
    unknown = [name for name in term.values if name not in queues] if term.key == "queue" else []
    # Of a queue that the settings do not name any more there may still be runs.
    if unknown and (live or not states):
        asked = unknown[0][:40]
        near = nearest(asked, queues)
        text = (
            gettext("There is no queue {queue}; did you mean {near}?")
            if near
            else gettext("There is no queue {queue}; there are {known}.")
        )
        problems.append(
            Problem(words=worded(text, queue=repr(asked), near=repr(near), known=", ".join(sorted(queues))))
        )
        return False
    return True


def is_live(term: Term) -> bool:
    """Whether a term can be asked of jobs that have not ended."""
    key = key_named(term.key)
    return not term.key or (key is not None and key.live)


def numbers(own: dict[str, str], problems: list[Problem]) -> tuple[int, int]:
    """The page, and the run to go on from."""
    number = own.get("page", "") or "1"
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    if not 1 <= page <= MOST_PAGES:
        problems.append(
            Problem(
                words=worded(
                    gettext("The page is {page}; it must be a whole number from 1 to {most}."),
                    page=repr(number[:20]),
                    most=count(MOST_PAGES),
                )
            )
        )
        page = 1
    after = own.get("after", "")
    cursor = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else 0
    if after and not 0 < cursor <= LARGEST_ID:
        problems.append(
            Problem(
                words=worded(
                    gettext("The page after {page} cannot be found, so the newest is shown."), page=repr(after[:20])
                )
            )
        )
        cursor = 0
    return page, cursor


def only_word(query: JobQuery) -> str:
    """The word, if a single one is all that is asked for: it may be a job's id."""
    term = query.others[0] if len(query.others) == 1 else None
    return term.values[0] if term is not None and not term.key and not term.excluded else ""
