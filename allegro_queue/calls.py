"""One call of a function that is to be queued: whether its arguments fit, and texts that are made of them. Pure."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from allegro_queue.errors import InvalidJob

LONGEST_NAME = 200
"""Characters of a key, a tag or a tenant."""

MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments of one call."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def call(*args: Any, **kwargs: Any) -> Call:
    """One call for ``dispatch_many``, written as the call itself is."""
    return Call(args, kwargs)


@lru_cache(maxsize=1024)
def signature_of(function: Callable[..., Any], follow_wrapped: bool) -> inspect.Signature | None:
    """The parameters of a function; ``None`` for one that does not say, such as some that are written in C."""
    try:
        return inspect.signature(function, follow_wrapped=follow_wrapped)
    except (TypeError, ValueError):
        return None


def check_fit(name: str, function: Callable[..., Any], given: Call) -> None:
    """Nothing, if the function takes these arguments.

    A decorator is asked what it takes itself, not what it wraps: it may add an argument or take one away.

    Raises:
        InvalidJob: there are too few or too many, or one has a name that the function does not know.
    """
    signature = signature_of(function, False)
    if signature is not None:
        try:
            signature.bind(*given.args, **given.kwargs)
        except TypeError as error:
            raise InvalidJob(f"{name} cannot be queued: it does not take these arguments ({error}).") from None


def check_names(name: str, function: Callable[..., Any], given: Call, taken: Iterable[str]) -> None:
    """Nothing, unless a name that ``dispatch`` takes for itself could have been meant for the function.

    Args:
        taken: names that were given to ``dispatch``.

    Raises:
        InvalidJob: the function has a parameter of such a name, which no argument by place fills.
    """
    signature = signature_of(function, True)
    open_parameters = list(signature.parameters)[len(given.args) :] if signature is not None else ()
    for each in taken:
        if each in open_parameters:
            raise InvalidJob(
                f"{name} cannot be queued: it has a parameter {each!r}, a name that dispatch() takes for itself. "
                "Give that argument by its place, or send dispatch_many(function, [call(...)])."
            )


def named_arguments(function: Callable[..., Any] | None, given: Call) -> dict[str, Any]:
    """Each argument by the name of its parameter, defaults included. Where the function is not known: those given by name."""
    signature = signature_of(function, True) if function is not None else None
    if signature is not None:
        try:
            bound = signature.bind(*given.args, **given.kwargs)
        except TypeError:
            pass
        else:
            bound.apply_defaults()
            names = dict(bound.arguments)
            for parameter in signature.parameters.values():
                if parameter.kind is parameter.VAR_KEYWORD:
                    names.update(names.pop(parameter.name))
            return names
    return dict(given.kwargs)


def fingerprint(function: Callable[..., Any] | None, given: Call) -> str:
    """A short text that is the same for the same arguments, whether they are given by place or by name."""
    signature = signature_of(function, False) if function is not None else None
    canonical: Any = [list(given.args), dict(given.kwargs)]
    if signature is not None:
        canonical = dict(signature.bind(*given.args, **given.kwargs).arguments)
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()[:32]


def name_of(what: str, made_by: str | Callable[..., str], function: Callable[..., Any] | None, given: Call) -> str:
    """A key from its template or its function.

    Args:
        what: which option, for messages.

    Raises:
        InvalidJob: an argument that the template names is not there, or what comes out is no short text.
    """
    if callable(made_by):
        return checked(what, result_of(what, made_by, given))
    return checked(what, filled(what, made_by, function, given))


def filled(what: str, template: str, function: Callable[..., Any] | None, given: Call) -> str:
    """A template with the arguments in it."""
    if "{" not in template and "}" not in template:
        return template
    try:
        return template.format(*given.args, **named_arguments(function, given))
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        names = ", ".join(named_arguments(function, given)) or "none"
        raise InvalidJob(
            f"A job has {what} = {template!r}, which cannot be filled ({type(error).__name__}: {error}); "
            f"the call has the arguments {names}."
        ) from None


def tags_of(
    made_by: Iterable[str] | Callable[..., Iterable[str]], function: Callable[..., Any] | None, given: Call
) -> tuple[str, ...]:
    """Tags from templates or from a function, each once.

    Raises:
        InvalidJob: an argument that a template names is not there, or what comes out is not a few short texts.
    """
    if callable(made_by):
        found = result_of("tags", made_by, given)
        if isinstance(found, str) or not isinstance(found, Iterable):
            raise InvalidJob(f"A job's tags came out as a {type(found).__name__}; they must be a list of texts.")
        tags = [checked("tags", each) for each in found]
    else:
        tags = [checked("tags", filled("tags", each, function, given)) for each in made_by]
    tags = list(dict.fromkeys(tags))
    if len(tags) > MOST_TAGS:
        raise InvalidJob(f"A job has {len(tags)} tags; at most {MOST_TAGS} are kept.")
    return tuple(tags)


def result_of(what: str, function: Callable[..., Any], given: Call) -> Any:
    """What an option's own function makes of the arguments."""
    try:
        return function(*given.args, **given.kwargs)
    except Exception as error:
        raise InvalidJob(f"A job's {what} could not be made of its arguments ({type(error).__name__}).") from error


def checked(what: str, found: Any) -> str:
    """A short text that Redis can hold.

    Raises:
        InvalidJob: it is something else; says what.
    """
    # Never the text itself: it is made of arguments, and messages end up in logs.
    if not isinstance(found, str):
        raise InvalidJob(f"A job's {what} came out as a {type(found).__name__}; it must be text.")
    if not 1 <= len(found) <= LONGEST_NAME:
        raise InvalidJob(f"A job's {what} came out {len(found):,} characters long; it must have 1 to {LONGEST_NAME}.")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise InvalidJob(f"A job's {what} came out with half a character in it (a lone surrogate).") from None
    return found
