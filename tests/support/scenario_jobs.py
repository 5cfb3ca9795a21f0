"""What jobs may do that leaves a trace in RQ's keys. Run by RQ's own worker and by ours, to compare the traces."""

from __future__ import annotations

import sys
import time
from typing import Any

from rq import Queue, Retry, get_current_job
from rq.job import Job
from rq.serializers import JSONSerializer

from allegro_queue.jobs import HorizonJob
from tests.support.keyspace import life


def current() -> Job:
    job = get_current_job()
    assert job is not None
    return job


def nothing() -> None:
    """Returns None."""


def give(value: Any) -> Any:
    return value


def unserializable() -> Any:
    return {1, 2, 3}


def fail(message: str = "as asked") -> None:
    raise ValueError(message)


def fail_with_cause() -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise RuntimeError("outer") from error


def leave_the_process() -> None:
    sys.exit(3)


def interrupt_with_keyboard() -> None:
    raise KeyboardInterrupt


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def coroutine(value: int) -> int:
    return value + 1


def ask_for_retry(times: int, interval: int = 0) -> Any:
    return Retry(max=times, interval=interval)


def fail_until(attempts: int) -> str:
    job = current()
    done = int(job.meta.get("attempts", 0)) + 1
    job.meta["attempts"] = done
    job.save_meta()
    if done < attempts:
        raise ValueError(f"attempt {done}")
    return f"attempt {done}"


def keep_meta() -> None:
    job = current()
    job.meta["seen"] = [1, "two", None]
    job.save_meta()


def change_meta_without_saving() -> None:
    current().meta["seen"] = "never written"


def change_description_and_save() -> str:
    job = current()
    job.description = "another description"
    job.save()
    return "saved"


def change_result_ttl(seconds: int) -> None:
    current().result_ttl = seconds


def change_failure_ttl_and_fail(seconds: int) -> None:
    current().failure_ttl = seconds
    raise ValueError("as asked")


def delete_itself() -> str:
    current().delete()
    return "gone"


def delete_itself_and_fail() -> None:
    current().delete()
    raise ValueError("gone")


def cancel_itself() -> str:
    current().cancel()
    return "cancelled"


def enqueue_another(queue: str, job_id: str) -> None:
    Queue(queue, connection=current().connection, job_class=HorizonJob, serializer=JSONSerializer).enqueue_call(
        f"{__name__}.give", args=(1,), job_id=job_id
    )


def add_a_dependent(job_id: str) -> None:
    job = current()
    Queue("high", connection=job.connection, job_class=HorizonJob, serializer=JSONSerializer).enqueue_call(
        f"{__name__}.give", args=(1,), job_id=job_id, depends_on=job
    )


def look_at_own_registration() -> list[Any]:
    """What RQ's tools see of a running job."""
    job = current()
    redis = job.connection
    assert job.worker_name
    [execution_id] = job.execution_registry.get_execution_ids()
    composite = f"{job.id}:{execution_id}"
    return [
        sorted(field.decode() for field in redis.hkeys(f"rq:execution:{composite}")),
        redis.hget(f"rq:execution:{composite}", "worker_name").decode(),
        life(redis.ttl(f"rq:execution:{composite}")),
        life(redis.ttl(f"rq:executions:{job.id}")),
        life(redis.zscore(f"rq:executions:{job.id}", execution_id) - time.time()),
        life(redis.zscore(f"rq:wip:{job.origin}", composite) - time.time()),
        redis.smembers(f"rq:worker:{job.worker_name}:executions") == {composite.encode()},
        redis.hget(f"rq:worker:{job.worker_name}", "state").decode(),
        redis.hget(job.key, "status").decode(),
        redis.hget(job.key, "worker_name").decode(),
        redis.ttl(job.key),
        redis.llen(f"rq:queue:{job.origin}"),
        job.get_status(refresh=False).value,
    ]


class Shelf:
    """Functions that are reached through a class."""

    @staticmethod
    def double(number: int) -> int:
        return number * 2

    @classmethod
    def name(cls) -> str:
        return cls.__name__


def on_success(job: Job, connection: Any, result: Any) -> None:
    connection.rpush("rq:trace", f"success {job.id} {result}")


def on_success_that_raises(job: Job, connection: Any, result: Any) -> None:
    raise RuntimeError("the callback failed")


def on_success_that_is_slow(job: Job, connection: Any, result: Any) -> None:
    time.sleep(5)


def on_success_that_changes(job: Job, connection: Any, result: Any) -> None:
    job.meta["called"] = True
    job.save_meta()


def on_failure(job: Job, connection: Any, kind: type, value: BaseException, trace: Any) -> None:
    connection.rpush("rq:trace", f"failure {job.id} {kind.__name__}")


def on_failure_that_raises(job: Job, connection: Any, kind: type, value: BaseException, trace: Any) -> None:
    raise RuntimeError("the callback failed")
