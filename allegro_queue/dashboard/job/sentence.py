"""How a job stands, in one sentence."""

from __future__ import annotations

from django.utils.translation import gettext

from allegro_queue.dashboard.job.story import run_seconds
from allegro_queue.dashboard.page.formats import about, duration
from allegro_queue.dashboard.page.looks import look_of
from allegro_queue.stores.job_records import JobDetail
from allegro_queue.wording import worded


def sentence_on(detail: JobDetail, now: float) -> str:
    """The state of the job in one sentence."""
    row = detail.row
    name = row.name.rpartition(".")[2]
    # The newest attempt's own times, as the table of attempts has them; RQ sets the job's a moment later.
    took = run_seconds(detail.attempts[0]) if detail.attempts else row.run_seconds
    ran = duration(took) if took is not None else ""
    if row.status == "failed":
        kind = row.error.partition(":")[0].rpartition(".")[2] if ":" in row.error else ""
        if kind and " " not in kind:
            text = gettext("{job} failed after {time}: {error}.") if ran else gettext("{job} failed: {error}.")
            return worded(text, job=name, time=ran, error=kind)
        return worded(gettext("{job} failed after {time}.") if ran else gettext("{job} failed."), job=name, time=ran)
    if row.status == "lost":
        text = (
            gettext("{job} was lost after {time}: its worker died.")
            if ran
            else gettext("{job} was lost: its worker died.")
        )
        return worded(text, job=name, time=ran)
    if row.status == "finished":
        return worded(gettext("{job} finished in {time}.") if ran else gettext("{job} finished."), job=name, time=ran)
    if row.status == "started":
        if row.started_at is None:
            return worded(gettext("{job} has been running."), job=name)
        since, limit = duration(now - row.started_at), duration(row.timeout) if row.timeout else ""
        text = (
            gettext("{job} has been running for {time} of at most {limit}.")
            if limit
            else gettext("{job} has been running for {time}.")
        )
        return worded(text, job=name, time=since, limit=limit)
    if row.status == "queued":
        queue = row.queue or gettext("its queue")
        if row.enqueued_at is None:
            return worded(gettext("{job} has been waiting in {queue}."), job=name, queue=queue)
        since = about(now - row.enqueued_at)
        return worded(gettext("{job} has been waiting in {queue} for {time}."), job=name, queue=queue, time=since)
    return worded(gettext("{job}: {state}."), job=name, state=look_of(row.status).word.lower())
