"""Alerts from a real server to a real mail sink and a real HTTP sink."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from allegro_queue import signals
from allegro_queue.alerts import book
from allegro_queue.alerts.loop import AlertLoop
from allegro_queue.alerts.models import AlertEvent, AlertKeeper, AlertMessage, AlertStanding
from allegro_queue.alerts.options import parse_alerts
from allegro_queue.alerts.rules import RULES
from allegro_queue.alerts.wording import Message
from allegro_queue.history.groups import GroupState, mark
from allegro_queue.history.models import FailureGroup
from allegro_queue.inbox import SignalInbox
from allegro_queue.management.alert_facts import alert_sources
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from tests.support import records, scenes
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.runs import add_runs, collected, failed_record, run_record

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "s3cr3t-of-the-hook"


@pytest.fixture
def mails(settings: Any) -> Iterator[MailSink]:
    with mail_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink


@pytest.fixture
def hook(httpserver: HTTPServer) -> list[dict[str, Any]]:
    """What the webhook was sent."""
    taken: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        taken.append(json.loads(request.data))
        return Response(status=200)

    httpserver.expect_request("/hook").respond_with_handler(take)
    return taken


@pytest.fixture
def quiet(stores: Stores) -> float:
    """A system in which nothing is wrong, now."""
    now = time.time()
    scenes.quiet_system(stores, now)
    return now


@pytest.fixture
def keep(httpserver: HTTPServer) -> Callable[..., AlertLoop]:
    """Makes a keeper of alerts, each as another process would have it."""

    def make(rules: dict[str, Any] | None = None, **given: Any) -> AlertLoop:
        at_once = {"for": 0, "clear": 0}
        every = (
            "longest_wait",
            "no_workers",
            "scheduler_late",
            "redis_eviction",
            "redis_memory",
            "redis_away",
            "paused_long",
            "master_lost",
        )
        options, problems = parse_alerts(
            {
                "channels": {
                    "mail": {"mail": ["ops@example.com"], "timeout": 5},
                    "hook": {"apprise": f"json://user:{SECRET}@localhost:{httpserver.port}/hook", "timeout": 5},
                },
                "rules": {"new_failure": False, **dict.fromkeys(every, at_once), **(rules or {})},
                "address": "https://example.com/horizon/",
                **given,
            },
            (),
        )
        assert problems == []
        return AlertLoop(options, alert_sources(), SignalInbox(()), environment="staging")

    return make


def alive(stores: Stores, now: float) -> None:
    """The processes of the scene beat."""
    stores.masters.write(records.master(now))
    stores.workers.write(records.worker(now))
    stores.schedulers.lead("of-the-scene", records.scheduler(now))


def test_a_fault_is_told_by_mail_and_by_hook_and_so_is_its_end(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    loop = keep()
    loop.step(quiet)
    assert (mails.mails, hook) == ([], [])

    stores.workers.remove("web-1-4121")
    loop.step(quiet + 5)

    assert mails.subjects == ["[staging] Nobody works on a queue"]
    assert mails.body().splitlines()[0] == "No worker lives; 0 jobs wait."
    assert "https://example.com/horizon/alerts/" in mails.body()
    assert [each["title"] for each in hook] == ["[staging] Nobody works on a queue"]

    stores.workers.write(records.worker(quiet))
    loop.step(quiet + 10)

    assert mails.subjects[1:] == ["[staging] Over: Nobody works on a queue"]
    assert hook[-1]["type"] == "success"
    assert not AlertStanding.objects.exists()


def test_a_message_is_in_the_language_of_the_site_and_what_is_logged_and_asked_for_in_english(
    keep: Callable[..., AlertLoop],
    mails: MailSink,
    hook: list[dict[str, Any]],
    stores: Stores,
    quiet: float,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
):
    settings.LANGUAGE_CODE = "he"
    loop = keep()
    loop.step(quiet)
    stores.workers.remove("web-1-4121")
    loop.step(quiet + 5)

    with translation.override("he"):
        title = gettext(RULES["no_workers"].title)
    assert [each["title"] for each in hook] == [f"[staging] {title}"]
    assert hook[0]["message"].startswith("אין אף עובד חי")
    assert AlertStanding.objects.get().text == "no worker lives; 0 jobs wait"
    assert "subject= no worker lives; 0 jobs wait" in caplog.text

    stores.workers.write(records.worker(quiet))
    loop.step(quiet + 10)

    assert hook[-1]["title"].startswith("[staging] נגמר: ")
    assert hook[-1]["type"] == "success"


def test_a_rule_whose_name_begins_like_good_news_is_told_as_bad(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], quiet: float
):
    loop = keep()
    loop.step(quiet)
    book.queue_messages([Message(channel="hook", subject="[staging] The queue Over: waits", body="It.")], quiet)
    loop.step(quiet + 5)

    assert hook[-1]["type"] == "warning"


def test_the_keeper_says_how_many_alerts_fire_for_the_bar_of_the_pages(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    loop = keep()
    loop.step(quiet)
    assert stores.pulse.read([], quiet).alerts_firing == 0

    stores.workers.remove("web-1-4121")
    loop.step(quiet + 5)
    assert stores.pulse.read([], quiet).alerts_firing == book.firing_count(quiet + 5) == 1

    book.mute(book.Mute(rule="no_workers", since=quiet, until=quiet + 600, by="ada", reason="deploy"))
    loop.step(quiet + 10)
    assert stores.pulse.read([], quiet).alerts_firing == book.firing_count(quiet + 10) == 0


def test_a_queue_that_was_paused_for_long_is_told_of(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    stores.pauses.pause(Pause(queue="high", since=quiet - 7200, until=None, by="ada", reason="deploy"))

    keep().step(quiet)

    assert mails.subjects == ["[staging] Paused for long: high"]


def test_an_unsafe_eviction_policy_and_a_full_server_are_told_of_in_one_message(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], redis: Redis, quiet: float
):
    before = redis.config_get("maxmemory", "maxmemory-policy")
    used = redis.info("memory")["used_memory"]
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("maxmemory-policy", "volatile-ttl")
    redis.config_set("maxmemory", used + 100_000)
    try:
        keep().step(quiet)
    finally:
        redis.config_set("maxmemory", before["maxmemory"])
        redis.config_set("maxmemory-policy", before["maxmemory-policy"])

    assert mails.subjects == ["[staging] Redis is nearly full (and 1 more)"]
    assert "Redis has maxmemory-policy volatile-ttl" in mails.body()


def test_a_full_server_that_refuses_writes_is_told_of(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], redis: Redis, quiet: float
):
    loop = keep()
    loop.step(quiet)
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", 1_000)
    try:
        loop.step(quiet + 5)
    finally:
        redis.config_set("maxmemory", 0)

    assert mails.subjects == ["[staging] Redis is nearly full"]


def test_a_server_that_is_away_is_told_of_and_hides_nothing_else(
    keep: Callable[..., AlertLoop],
    mails: MailSink,
    hook: list[dict[str, Any]],
    stores: Stores,
    quiet: float,
    redis_away: None,
):
    keep().step(quiet)

    assert mails.subjects == ["[staging] Redis does not answer"]
    assert {each.rule for each in AlertStanding.objects.all()} == {"redis_away"}


def test_a_new_keeper_repeats_nothing_and_forgets_nothing(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    stores.workers.remove("web-1-4121")
    keep().step(quiet)
    AlertKeeper.objects.update(until=0)

    second = keep()
    second.step(quiet + 5)
    assert len(mails.mails) == len(hook) == 1

    stores.workers.write(records.worker(quiet))
    second.step(quiet + 10)
    assert mails.subjects[1:] == ["[staging] Over: Nobody works on a queue"]


def test_of_two_keepers_one_tells(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    stores.workers.remove("web-1-4121")
    loops = [keep(), keep(), keep()]

    for now in range(3):
        for each in loops:
            each.step(quiet + now)

    assert len(mails.mails) == len(hook) == 1


def test_a_keeper_whose_turn_has_ended_writes_and_sends_nothing(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    first, second = keep(), keep()
    first.step(quiet)
    AlertKeeper.objects.update(until=0)
    second.step(quiet + 1)
    stores.workers.remove("web-1-4121")

    with pytest.raises(book.Overtaken):
        first.look(quiet + 2)
    assert first.send_due(quiet + 2) == 0
    assert not AlertEvent.objects.exists()


def test_a_channel_that_refuses_is_tried_again_later_and_hinders_no_other(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    mails.refuses = True
    stores.workers.remove("web-1-4121")
    loop = keep()
    loop.step(quiet)

    assert len(hook) == 1
    waiting = AlertMessage.objects.get(channel="mail")
    assert (waiting.tries, waiting.sent_at) == (1, None)
    assert waiting.trouble == "the mail server refused or did not answer (SMTPDataError)"

    mails.refuses = False
    AlertMessage.objects.update(due_at=0)
    loop.step(quiet + 5)

    assert len(mails.mails) == len(hook) == 1
    assert AlertMessage.objects.get(channel="mail").sent_at


def test_a_message_is_given_up_in_the_end(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    mails.refuses = True
    stores.workers.remove("web-1-4121")
    loop = keep()
    for now in range(12):
        loop.step(quiet + now)
        AlertMessage.objects.update(due_at=0)

    assert AlertMessage.objects.get(channel="mail").given_up
    assert AlertMessage.objects.get(channel="mail").tries == book.MOST_TRIES


def test_a_slow_channel_is_cut_off(
    keep: Callable[..., AlertLoop], mails: MailSink, httpserver: HTTPServer, stores: Stores, quiet: float, release: Any
):
    def dawdle(request: Request) -> Response:
        release.wait(30)
        return Response()

    httpserver.expect_request("/slow").respond_with_handler(dawdle)
    stores.workers.remove("web-1-4121")
    slow = {"apprise": f"json://localhost:{httpserver.port}/slow", "timeout": 1}
    started = time.monotonic()

    keep(channels={"slow": slow, "mail": {"mail": "ops@example.com"}}).step(quiet)

    assert time.monotonic() - started < 8
    assert AlertMessage.objects.get(channel="slow").trouble == "it took longer than 1 s"
    assert len(mails.mails) == 1


def test_a_muted_rule_tells_nobody(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    book.mute(book.Mute(rule="no_workers", since=quiet, until=quiet + 60, by="ada", reason="deploy"))
    stores.workers.remove("web-1-4121")
    loop = keep()

    loop.step(quiet)
    assert (mails.mails, AlertEvent.objects.get().held) == ([], "muted")

    loop.step(quiet + 61)
    assert mails.subjects == ["[staging] Still: Nobody works on a queue"]


def test_a_lost_master_and_a_lost_worker_are_told_and_one_that_left_is_not(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    told: list[dict[str, Any]] = []
    signals.worker_lost.connect(lambda **what: told.append(what), weak=False, dispatch_uid="test")
    for name in ("web-2-a", "web-2-b"):
        stores.masters.write(records.master(quiet, name=name, host="web-2"))
    loop = keep()
    loop.step(quiet)

    stores.client.delete(stores.keys.master("web-2-a"))
    stores.masters.remove("web-2-b")
    stores.workers.add_lost(records.lost(quiet, lost_at=quiet + 1, job_id="j1"))
    loop.step(quiet + 5)
    loop.step(quiet + 10)
    signals.worker_lost.disconnect(dispatch_uid="test")

    assert mails.subjects == ["[staging] A Horizon process is lost: web-2-a"]
    assert [(each["worker"], each["job_id"]) for each in told] == [("web-1-4120", "j1")]


def test_receivers_hear_of_an_alert_and_one_that_fails_hinders_nobody(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    heard: list[str] = []

    def fails(**what: Any) -> None:
        raise ValueError

    signals.alert_fired.connect(fails)
    signals.alert_fired.connect(lambda **what: heard.append(what["rule"]), weak=False, dispatch_uid="test")
    stores.workers.remove("web-1-4121")
    keep().step(quiet)
    signals.alert_fired.disconnect(fails)
    signals.alert_fired.disconnect(dispatch_uid="test")

    assert heard == ["no_workers"]
    assert len(mails.mails) == 1


def test_no_secret_of_a_channel_is_logged_or_written(
    keep: Callable[..., AlertLoop],
    mails: MailSink,
    httpserver: HTTPServer,
    stores: Stores,
    quiet: float,
    caplog: pytest.LogCaptureFixture,
):
    httpserver.expect_request("/hook").respond_with_data("no", status=500)
    caplog.set_level("DEBUG")
    stores.workers.remove("web-1-4121")

    keep().step(quiet)

    assert AlertMessage.objects.get(channel="hook").trouble == "the service refused or did not answer"
    assert SECRET not in caplog.text
    assert SECRET not in str(list(AlertMessage.objects.values()))


def test_history_tells_of_failures_of_new_kinds_and_of_a_collector_that_lags(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, redis: Redis
):
    now = time.time()
    alive(stores, now)
    collected(stores, *(run_record(now - 30) for _ in range(5)), *(failed_record(now - 20) for _ in range(5)))
    add_runs(redis, run_record(now - 10))
    loop = keep({"new_failure": {}, "failure_share": {"for": 0}, "collector_lag": {"for": 0}})

    loop.step(now)

    assert len(mails.mails) == 1
    assert "5 of the last 10 attempts on default failed (50%)." in mails.body()
    assert "A failure is new: shop.orders.jobs.pay: ValueError: order" in mails.body()
    assert "No collector reports; 1 run waits for history and metrics." in mails.body()

    collected(stores)
    mark([each.fingerprint for each in FailureGroup.objects.all()], GroupState.KNOWN, by="ada", now=now)
    loop.step(now + 1)
    loop.step(now + 32)

    assert "Over after" in mails.body()
    assert not AlertStanding.objects.exclude(rule="snapshot_stale").exists()


def test_a_record_that_cannot_be_read_keeps_no_message_back(
    keep: Callable[..., AlertLoop], mails: MailSink, hook: list[dict[str, Any]], stores: Stores, quiet: float
):
    loop = keep()
    loop.step(quiet)
    stores.client.set(stores.keys.scheduler, "no JSON")
    book.queue_messages([Message(channel="mail", subject="A test", body="It.")], quiet)

    loop.step(quiet + 5)

    assert mails.subjects == ["A test"]


def test_what_is_kept_is_bounded(db: None):
    now = time.time()
    AlertEvent.objects.bulk_create(
        AlertEvent(at=now, rule="it", subject="", happening="fired", text="", channels="", held="")
        for _ in range(book.EVENTS_KEPT + 5)
    )

    book.trim(book.alias())

    assert AlertEvent.objects.count() == book.EVENTS_KEPT
