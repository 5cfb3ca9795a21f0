"""OpenTelemetry spans from dispatch to run, where a project has set it up; elsewhere nothing, at the cost of a look.

A dispatched job carries the trace that it was dispatched in (``Terms.trace``), as W3C's ``traceparent`` writes it. Its run
is a span of that trace, in whichever process and however much later.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    IS_INSTALLED = True
except ImportError:
    IS_INSTALLED = False

Value = TypeVar("Value")

SYSTEM = "allegro_queue"


def is_on() -> bool:
    """Whether spans go anywhere: OpenTelemetry is installed, and the project has given it a provider."""
    return IS_INSTALLED and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def dispatching(name: str) -> AbstractContextManager[Any]:
    """A span around the making of one job, whose trace the job then carries."""
    if not is_on():
        return nullcontext()
    attributes = {"messaging.system": SYSTEM, "messaging.operation.type": "send", "code.function.name": name}
    return trace.get_tracer(SYSTEM).start_as_current_span(
        f"dispatch {name}", kind=trace.SpanKind.PRODUCER, attributes=attributes
    )


def trace_to_carry() -> str:
    """The open span as ``traceparent``; empty when there is none."""
    if not IS_INSTALLED or not trace.get_current_span().get_span_context().is_valid:
        return ""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def traced(run: Callable[[], Value], *, name: str, job_id: str, queue: str, attempt: int, carried: str) -> Value:
    """Call ``run`` inside a span of the trace that the job carries. What it raises is noted by its kind alone, since its
    text may hold what is private."""
    parent = TraceContextTextMapPropagator().extract({"traceparent": carried}) if carried else None
    with trace.get_tracer(SYSTEM).start_as_current_span(
        f"run {name}",
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        attributes={
            "messaging.system": SYSTEM,
            "messaging.operation.type": "process",
            "messaging.destination.name": queue,
            "messaging.message.id": job_id,
            "code.function.name": name,
            "horizon.attempt": attempt,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            return run()
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise


def trace_of_now() -> dict[str, object]:
    """Ids of the open span, for log lines."""
    if not IS_INSTALLED:
        return {}
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def flush() -> None:
    """Send what is still kept: a worker that leaves runs nothing at its exit."""
    if is_on() and (send := getattr(trace.get_tracer_provider(), "force_flush", None)):
        send(5_000)
