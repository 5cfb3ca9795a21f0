"""Fresh profiles for a sign-in: the stale ones are fetched side by side, and nobody waits longer than a few seconds.

That a sign-in goes on with old data when a source fails, and how long it waits, is this port's own choice.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connections
from django.utils import timezone

from allegro.audience.faults import told
from allegro.audience.health import health_by_provider, note_failure, note_stale_sign_in
from allegro.audience.keeping import keep_answer, keep_fault, keep_wish
from allegro.audience.models import Member, ProviderAccount
from allegro.audience.profiles import ask, is_stale, known_of
from allegro.audience.providers import Fetched, Known, ProviderFailed, SourceBusy, SyncProvider, provider_for
from allegro_queue.tellings import telling, told_by

log = logging.getLogger(__name__)

LOGIN_SECONDS = 3.0
"""Time that signing in may take for all sources together."""

MOST_THREADS = 32
"""Questions under way in one process, those included that nobody waits for any more."""

_room = threading.BoundedSemaphore(MOST_THREADS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of asking one provider."""

    account: ProviderAccount
    fetched: Fetched | None = None
    fault: ProviderFailed | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One provider to be asked about one member."""

    account: ProviderAccount
    provider: SyncProvider
    known: Known


def stale_questions(member: Member, now: datetime) -> list[Question]:
    """What would have to be asked for a sign-in at ``now``; a provider that cannot even say so is left out, and noted."""
    synced = dict(member.external_profiles.values_list("provider", "synced_at"))
    found = []
    for account in ProviderAccount.objects.filter(organization_id=member.organization_id, enabled=True):
        try:
            provider = provider_for(account)
            if not is_stale(synced.get(account.provider), provider.max_age_on_login(), now):
                continue
        except Exception as error:  # noqa: BLE001 - providers are other people's code, and each stands alone
            fault = told_by(told(error, account.provider))
            log.warning("provider not usable provider=%s account=%s: %s", account.provider, account.pk, fault)
            note_failure(account, fault, timezone.now())
            continue
        found.append(Question(account=account, provider=provider, known=known_of(member, account.provider)))
    return found


def ensure_fresh_for_login(member: Member, seconds: float = LOGIN_SECONDS) -> list[str]:
    """Refresh what is too old for a sign-in, within ``seconds`` all in all.

    Fails open: a source that is away, slow or broken does not keep members out; they go on with what is stored, and the
    profile and the run say so. Sources that just failed again and again, or asked to be left alone, are not waited for.

    Returns:
        Names of the providers that were asked and answered.
    """
    now = timezone.now()
    health = health_by_provider(member.organization_id)
    asked: list[Question] = []
    for question in stale_questions(member, now):
        found = health.get(question.account.provider)
        if reason := found.why_not_now(now) if found else "":
            went_on(member, question.account, reason, now)
        else:
            asked.append(question)
    refreshed = []
    for outcome in ask_together(member, asked, seconds):
        keep(member, outcome, now)
        if outcome.fault is None:
            refreshed.append(outcome.account.provider)
        else:
            went_on(member, outcome.account, str(outcome.fault), now)
    return sorted(refreshed)


def went_on(member: Member, account: ProviderAccount, reason: str, now: datetime) -> None:
    """Record that a sign-in did without this provider."""
    log.warning("sign-in went on with a stale profile provider=%s member=%s: %s", account.provider, member.pk, reason)
    note_stale_sign_in(account, now)


def keep(member: Member, outcome: Outcome, asked_at: datetime) -> None:
    """Store an answer, or record why there is none."""
    account = outcome.account
    if outcome.fetched is not None:
        keep_answer(member, account, outcome.fetched, asked_at)
    elif isinstance(outcome.fault, SourceBusy):
        keep_wish(member, account, outcome.fault, asked_at)
    elif outcome.fault is not None:
        keep_fault(member, account, told_by(outcome.fault), asked_at)


def ask_together(member: Member, questions: Sequence[Question], seconds: float) -> list[Outcome]:
    """Ask all of them at once, each in a thread, and wait for ``seconds`` at most.

    A provider that pays no heed to its time is left behind in its thread; what it says later is not listened to.
    """
    deadline = time.monotonic() + seconds
    late = telling("The source did not answer within {seconds} s.", seconds=format(seconds, "g"))
    answers: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    outcomes: list[Outcome] = []
    waiting: dict[int, ProviderAccount] = {}
    for question in questions:
        if not _room.acquire(blocking=False):
            fault = ProviderFailed(telling("{n} questions to slow sources are still under way here.", n=MOST_THREADS))
            outcomes.append(Outcome(account=question.account, fault=fault))
            continue
        waiting[question.account.pk] = question.account
        arguments = (member, question, seconds, answers)
        threading.Thread(target=answer, args=arguments, name=f"ask {question.provider.name}", daemon=True).start()
    while waiting:
        try:
            outcome = answers.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            break
        del waiting[outcome.account.pk]
        outcomes.append(outcome)
    outcomes += [Outcome(account=account, fault=ProviderFailed(late)) for account in waiting.values()]
    return outcomes


def answer(member: Member, question: Question, seconds: float, answers: queue.SimpleQueue[Outcome]) -> None:
    """Ask one provider and put down what it said; the body of a thread."""
    try:
        try:
            fetched = ask(question.provider, member, question.known, seconds)
        except ProviderFailed as error:
            answers.put(Outcome(account=question.account, fault=error))
        except BaseException as error:  # noqa: BLE001 - even a provider that leaves by sys.exit() is one that failed
            fault = told(RuntimeError(type(error).__name__), question.provider.name)
            answers.put(Outcome(account=question.account, fault=fault))
        else:
            answers.put(Outcome(account=question.account, fetched=fetched))
    finally:
        # What the provider may have opened for itself belongs to this thread.
        connections.close_all()
        _room.release()
