"""Run a job again as a new one: the same call under the same terms, or an edited call of the same function."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop
from rq.utils import utcformat

from allegro_queue.calls import Call
from allegro_queue.conf import horizon_settings
from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import CARRY_ON, JobOptions, is_allowed
from allegro_queue.masking import HIDDEN, pieces, rule_for_key
from allegro_queue.orders import order_for
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.copies import Payload
from allegro_queue.stores.enqueue import NewJob
from allegro_queue.tellings import Telling, telling, told_by
from allegro_queue.terms import NO_TERMS, decode_terms

MASK = re.compile(r"\[masked: [^\]]{1,40}\]")
"""How a page writes what it does not show."""


NOT_JSON = gettext_noop("The arguments are not JSON: {problem}.")
NAMED_NOT_JSON = gettext_noop("The named arguments are not JSON: {problem}.")


@dataclass(frozen=True, slots=True)
class Anew:
    """What came of it."""

    job_id: str
    queue: str
    holder: str = ""
    """Id of the job of its kind that waits or runs, so that none was queued; empty when one was."""


def problem_with(source: Payload | None) -> Telling | None:
    """Why a job cannot be run again; ``None`` when it can."""
    if source is None:
        return telling("The job is gone, and its arguments with it.")
    if not source.name:
        return telling("Its call is not JSON, and nothing else is read here.")
    if source.name == CARRY_ON:
        return telling("It carries on a run over many jobs, and only the library queues it.")
    allowed = horizon_settings().allowed_jobs
    if not is_allowed(source.name, tuple(allowed)):
        return telling(
            "{job} is not under HORIZON['allowed_jobs'] ({allowed}), so no worker would run it.",
            job=source.name,
            allowed=", ".join(allowed),
        )
    return None


def run_anew(stores: Stores, job_id: str, new_id: str, now: datetime) -> Anew:
    """Queue a copy of a job: the same call, terms and number of tries, under its own id. Done again, it is the same copy.

    Raises:
        InvalidJob: the job is gone, its call is no JSON, or its function is not allowed.
        UnknownQueue: its queue is not in ``RQ_QUEUES`` any more.
        QueueUnavailable: Redis did not answer or refused.
    """
    source = stores.copies.payload(job_id)
    problem = problem_with(source)
    if problem is not None or source is None:
        raise InvalidJob(problem)
    check_queue(source.queue)
    try:
        terms = decode_terms(source.terms)
    except ValueError as error:
        raise InvalidJob(telling("Its terms cannot be read: {problem}", problem=told_by(error))) from error
    moment = utcformat(now)
    fields: dict[str, Any] = {
        **source.fields,
        "status": "queued",
        "origin": source.queue,
        "created_at": moment,
        "enqueued_at": moment,
        "started_at": "",
        "ended_at": "",
        "last_heartbeat": "",
        "worker_name": "",
    }
    if source.tries > 1:
        fields["retries_left"] = source.tries - 1
    job = NewJob(new_id, source.data, source.terms, terms.unique_key, terms.unique_seconds)
    holder = stores.enqueue.enqueue(source.name, source.queue, fields, [job]).get(new_id, "")
    return Anew(new_id, source.queue, holder)


def run_edited(stores: Stores, job_id: str, new_id: str, args: str, kwargs: str) -> Anew:
    """Queue a call of a job's function with other arguments. What it asks for is made of them, as ``dispatch`` does.

    Args:
        args: a JSON list.
        kwargs: a JSON object.

    Raises:
        InvalidJob: the job is gone or its function is not allowed or not there; or the arguments are no JSON, still hold
            a mask, or do not fit the function.
        UnknownQueue: its queue is not in ``RQ_QUEUES`` any more.
        QueueUnavailable: Redis did not answer or refused.
    """
    source = stores.copies.payload(job_id)
    problem = problem_with(source)
    if problem is not None or source is None:
        raise InvalidJob(problem)
    call = call_from(args, kwargs)
    try:
        function = import_string(source.name)
    except ImportError as error:
        raise InvalidJob(
            telling("{job} is not there any more ({problem}).", job=source.name, problem=told_by(error))
        ) from error
    try:
        tenant = decode_terms(source.terms).tenant
    except ValueError:
        tenant = NO_TERMS.tenant
    order = order_for(function, JobOptions(queue=source.queue, tenant=tenant), None, None)
    if order.name != source.name:
        raise InvalidJob(telling("{job} is another function by now: {name}.", job=source.name, name=order.name))
    holder = order.send([order.new_job(new_id, call)]).get(new_id, "")
    return Anew(new_id, source.queue, holder)


def call_from(args: str, kwargs: str) -> Call:
    """Arguments as somebody wrote them.

    Raises:
        InvalidJob: they are no JSON, or still hold a mask.
    """
    positional, named = read_json(args or "[]", NOT_JSON), read_json(kwargs or "{}", NAMED_NOT_JSON)
    if not isinstance(positional, list):
        raise InvalidJob(telling('The arguments must be a JSON list, such as [7, "noon"].'))
    if not isinstance(named, dict):
        raise InvalidJob(
            telling("The named arguments must be a JSON object, such as {example}.", example='{"member_id": 7}')
        )
    where = masked_place([*enumerate(positional, start=1), *named.items()])
    if where:
        raise InvalidJob(
            telling(
                "Argument {place} still holds a mask, which is not its value. Write the value itself, or run the job again "
                "as it was.",
                place=where,
            )
        )
    return Call(tuple(positional), named)


def read_json(given: str, not_json: str) -> Any:
    def refuse(constant: str) -> Any:
        raise ValueError(telling("JSON does not have {constant}", constant=constant))

    try:
        return json.loads(given, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidJob(telling(not_json, problem=told_by(error))) from error


def masked_place(items: list[tuple[Any, Any]]) -> str | Telling:
    """Where a mask stands; empty when nowhere."""
    for key, value in items:
        if isinstance(value, str) and MASK.search(value):
            return str(key)
        if isinstance(key, str) and MASK.search(key):
            return key
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        if found := masked_place(list(inner)):
            return telling("{key}, at {place}", key=key, place=found)
    return ""


def masked_value(value: Any, rule: str = "") -> Any:
    """A value with what is private replaced by a mask, for a form."""
    if rule and value not in (None, "", [], {}):
        return f"[masked: {rule}]"
    if isinstance(value, str):
        return "".join(each.text or f"[masked: {each.rule or HIDDEN}]" for each in pieces(value))
    if isinstance(value, list):
        return [masked_value(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): masked_value(each, rule_for_key(str(key))) for key, each in value.items()}
    return value
