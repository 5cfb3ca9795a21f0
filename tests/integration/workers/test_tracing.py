"""Spans from dispatch to run, as OpenTelemetry's own library records them; and nothing where it is not set up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once
from redis import Redis

from allegro_queue import tracing
from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import HorizonJob, JobOptions
from allegro_queue.stores import Stores
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.holding import holds_something, terms_of
from tests.support import jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """A project that has set OpenTelemetry up, with what it records."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    trace.set_tracer_provider(provider)
    yield kept
    provider.shutdown()


def work_off() -> None:
    """Run all that waits, in a worker of ours."""
    worker = make_worker(["default"], name="web-1.4121.abcd")
    assert worker is not None
    worker.work(burst=True)


def test_a_run_is_a_span_of_the_trace_in_which_it_was_dispatched(spans: InMemorySpanExporter, redis: Redis):
    with trace.get_tracer("project").start_as_current_span("request"):
        job_id = dispatch(jobs.nothing)
    work_off()

    by_name = {each.name.partition(" ")[0]: each for each in spans.get_finished_spans()}
    run, sent, request = by_name["run"], by_name["dispatch"], by_name["request"]
    assert run.parent is not None
    assert run.parent.span_id == sent.context.span_id
    assert run.context.trace_id == sent.context.trace_id == request.context.trace_id
    assert run.attributes is not None
    assert run.attributes["messaging.message.id"] == job_id
    assert run.attributes["messaging.destination.name"] == "default"


def test_a_failure_is_told_by_its_kind_and_not_by_its_text(spans: InMemorySpanExporter, redis: Redis):
    dispatch(jobs.fail)
    work_off()

    (run,) = [each for each in spans.get_finished_spans() if each.name.startswith("run")]
    assert not run.status.is_ok
    assert run.attributes is not None
    assert run.attributes["error.type"]
    assert run.events == ()


def test_an_isolated_run_is_a_span_too(spans: InMemorySpanExporter, redis: Redis):
    dispatch(jobs.nothing, options=JobOptions(isolate=True))
    work_off()

    assert [each.name.partition(" ")[0] for each in spans.get_finished_spans()] == ["dispatch", "run"]


def test_a_trace_costs_a_job_none_of_its_speed(spans: InMemorySpanExporter, redis: Redis, stores: Stores):
    job_id = dispatch(jobs.nothing)

    job = HorizonJob.fetch(job_id, connection=redis)
    assert terms_of(job).trace
    assert not holds_something(job)


def test_without_a_provider_a_job_carries_nothing(redis: Redis):
    assert not tracing.is_on()
    job_id = dispatch(jobs.nothing)

    assert redis.hget(f"rq:job:{job_id}", "horizon") is None
