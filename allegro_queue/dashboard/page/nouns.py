"""Things with their number, as sentences name them: each in the form that its number asks for."""

from __future__ import annotations

from django.utils.translation import ngettext

from allegro_queue.dashboard.page.formats import count
from allegro_queue.wording import worded


def jobs(number: int) -> str:
    return worded(ngettext("{n} job", "{n} jobs", number), n=count(number))


def jobs_wait(number: int) -> str:
    return worded(ngettext("{n} job waits", "{n} jobs wait", number), n=count(number))


def runs(number: int) -> str:
    return worded(ngettext("{n} run", "{n} runs", number), n=count(number))


def workers(number: int) -> str:
    return worded(ngettext("{n} worker", "{n} workers", number), n=count(number))


def failed_attempts(number: int) -> str:
    return worded(ngettext("{n} failed attempt", "{n} failed attempts", number), n=count(number))
