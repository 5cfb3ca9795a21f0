"""An organization's mail server that accepts and never answers: it is left alone, and its mails wait."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from allegro.magic_links import links
from allegro.magic_links.jobs import queue_put_off_links, send_magic_link
from allegro.magic_links.models import MagicLink
from allegro.mail_accounts import transport
from allegro.mail_accounts.jobs import send_account_test
from allegro.mail_accounts.models import MailAccount
from allegro.organizations.models import Organization
from allegro.outbound import OutboundError, Silence
from tests.support.burst import work_off
from tests.support.dead_server import a_dead_server
from tests.support.mail_accounts import an_account
from tests.support.mail_sink import mail_sink
from tests.support.people import an_organization, staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@contextmanager
def a_server_that_hangs_at_the_mail() -> Iterator[int]:
    """It greets, and says no more once it is given a mail. Its port."""
    is_over = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not is_over.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as said:
                    connection.sendall(b"220 here\r\n")
                    while line := said.readline():
                        if not line.upper().startswith((b"EHLO", b"HELO")):
                            # Until the other side has waited long enough.
                            said.read()
                            break
                        connection.sendall(b"250 here\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        yield listener.getsockname()[1]
        is_over.set()
        server.join()


def through(organization: Organization, port: int) -> MailAccount:
    account = an_account(organization, port, security="none")
    # The plain server asks for no password.
    account.username = account.sealed_credential = ""
    account.save()
    return account


def leads_to(account: MailAccount, port: int) -> None:
    MailAccount.objects.filter(pk=account.pk).update(port=port)


def wanted(organization: Organization, address: str = "ada@example.com") -> MagicLink:
    return links.request_link(organization, address, "", timezone.now())


def tell_of_silence(organization: Organization, times: int = 3) -> list[MagicLink]:
    asked = [wanted(organization, f"reader-{number}@example.com") for number in range(times)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "STEP_SECONDS", 0.2)
        for link in asked:
            with pytest.raises(Silence, match="did not answer"):
                send_magic_link(str(link.pk))
    return asked


def test_after_three_silences_in_a_row_the_server_is_called_no_more_and_the_mail_waits():
    news = an_organization()
    with a_dead_server() as server:
        through(news, server.port)
        tell_of_silence(news)
        assert [server.is_called() for _ in range(4)] == [True, True, True, False]

        link = wanted(news)
        assert send_magic_link(str(link.pk)).startswith("put off until 2")

        assert not server.is_called()
    link.refresh_from_db()
    assert link.put_off_at is not None
    assert link.sent_at is link.expires_at is None


def test_a_server_that_greets_and_then_hangs_is_left_alone_too_and_no_mail_is_lost():
    news = an_organization()
    with a_server_that_hangs_at_the_mail() as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "STEP_SECONDS", 0.2)
        account = through(news, port)
        asked = [wanted(news, f"reader-{number}@example.com") for number in range(4)]
        for link in asked[:3]:
            with pytest.raises(Silence, match="fell silent"):
                send_magic_link(str(link.pk))

        assert send_magic_link(str(asked[3].pk)).startswith("put off until 2")

    account.refresh_from_db()
    assert account.silences == 3
    assert MagicLink.objects.filter(put_off_at__isnull=False, sent_at__isnull=True).count() == 4


def test_an_earlier_link_works_until_the_mail_of_the_newer_one_is_out():
    news = an_organization()
    with mail_sink() as sink:
        account = through(news, sink.port)
        earlier = wanted(news)
        assert send_magic_link(str(earlier.pk)) == "sent"
    newer = wanted(news)
    with a_dead_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "STEP_SECONDS", 0.2)
        leads_to(account, server.port)
        with pytest.raises(Silence):
            send_magic_link(str(newer.pk))

    earlier.refresh_from_db()
    assert earlier.voided_at is None

    with mail_sink() as sink:
        leads_to(account, sink.port)
        assert send_magic_link(str(newer.pk)) == "sent"
    earlier.refresh_from_db()
    assert earlier.voided_at is not None


def test_what_is_put_off_and_what_met_silence_are_all_sent_once_the_server_answers(redis: Redis):
    news = an_organization()
    with a_dead_server() as server:
        account = through(news, server.port)
        asked = tell_of_silence(news)
        # Their jobs are over: what is sent later is what was put off.
        redis.flushall()
        asked.append(wanted(news))
        work_off(redis)
        assert queue_put_off_links() == 0

    with mail_sink() as sink, time_machine.travel(timezone.now() + timedelta(minutes=2), tick=True):
        leads_to(account, sink.port)
        assert queue_put_off_links() == 4
        work_off(redis)

        assert sorted(to for each in sink.mails for to in each.rcpt_tos) == sorted(each.email for each in asked)
    assert not MagicLink.objects.filter(put_off_at__isnull=False).exists()
    # The thirty minutes that the mail speaks of are counted from the mail.
    assert all(each.expires_at > each.requested_at + timedelta(minutes=31) for each in MagicLink.objects.all())


def test_one_success_closes_the_breaker():
    news = an_organization()
    with a_dead_server() as server:
        account = through(news, server.port)
        tell_of_silence(news)

    with mail_sink() as sink:
        leads_to(account, sink.port)
        assert send_account_test(account.pk, staff("boss@alley.com").pk) == "sent"
        assert [send_magic_link(str(wanted(news, f"{name}@example.com").pk)) for name in ("bob", "cy")] == ["sent"] * 2

    account.refresh_from_db()
    assert (account.silences, account.silent_since, account.open_until) == (0, None, None)


def test_one_at_a_time_tries_a_server_of_which_nothing_is_known():
    news = an_organization()
    now = timezone.now()
    through(news, 2525)

    assert transport.put_off_until(news, now) is None
    assert transport.put_off_until(news, now) is not None


def test_mails_that_meet_one_silence_together_count_it_once():
    news = an_organization()
    with a_dead_server() as server:
        account = through(news, server.port)
        # It answered a moment ago, so all of them go.
        MailAccount.objects.filter(pk=account.pk).update(answered_at=timezone.now())
        asked = [wanted(news, f"reader-{number}@example.com") for number in range(4)]

        def send(link: MagicLink) -> None:
            with suppress(Silence):
                send_magic_link(str(link.pk))
            connection.close()

        threads = [threading.Thread(target=send, args=(each,)) for each in asked]
        for thread in threads:
            thread.start()
        server.hang_up_on(4)
        for thread in threads:
            thread.join(30)

    account.refresh_from_db()
    assert MagicLink.objects.filter(put_off_at__isnull=False).count() == 4
    assert (account.silences, account.open_until) == (1, None)


def test_a_server_that_refuses_is_not_silent_and_holds_nothing_back():
    news = an_organization()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        account = through(news, listener.getsockname()[1])
        account.security = "starttls"
        account.save()
    with mail_sink() as sink:
        leads_to(account, sink.port)
        for number in range(4):
            # It knows no STARTTLS.
            with pytest.raises(Exception, match="STARTTLS"):
                send_magic_link(str(wanted(news, f"reader-{number}@example.com").pk))

    account.refresh_from_db()
    assert (account.silences, account.silent_since) == (0, None)


def test_an_account_that_must_not_be_used_fails_each_mail_at_once():
    news = an_organization()
    account = through(news, 2525)
    MailAccount.objects.filter(pk=account.pk).update(host="not a host")

    for number in range(2):
        with pytest.raises(OutboundError, match="not fit for use"):
            send_magic_link(str(wanted(news, f"reader-{number}@example.com").pk))
    assert not MagicLink.objects.filter(put_off_at__isnull=False).exists()


def test_a_mail_that_has_waited_for_too_long_is_not_sent(redis: Redis):
    news = an_organization()
    with a_dead_server() as server:
        account = through(news, server.port)
        tell_of_silence(news)
        redis.flushall()

    with mail_sink() as sink, time_machine.travel(timezone.now() + timedelta(minutes=31), tick=True):
        leads_to(account, sink.port)
        assert queue_put_off_links() == 3
        assert work_off(redis) == []

        assert sink.mails == []


def test_mails_wait_no_longer_when_the_account_is_switched_off(redis: Redis):
    news = an_organization()
    with a_dead_server() as server:
        account = through(news, server.port)
        tell_of_silence(news)
    assert queue_put_off_links() == 0

    MailAccount.objects.filter(pk=account.pk).update(enabled=False)

    assert queue_put_off_links() == 3


def test_admin_says_since_when_a_server_has_not_answered_and_saving_has_it_tried_again(client: Client):
    client.force_login(staff("boss@alley.com", is_superuser=True))
    news = an_organization()
    with a_dead_server() as server:
        account = through(news, server.port)
        pages = [
            reverse("admin:mail_accounts_mailaccount_changelist"),
            reverse("admin:mail_accounts_mailaccount_change", args=[account.pk]),
        ]
        assert all("Not tried yet." in client.get(page).text for page in pages)
        tell_of_silence(news)

    account.refresh_from_db()
    assert account.silent_since is not None
    since = f"Not answering since {account.silent_since:%Y-%m-%d %H:%M} UTC. Mails wait; it is tried again at"
    assert all(since in client.get(page).text for page in pages)

    fields = {
        "service": "smtp", "enabled": "on", "host": "127.0.0.1", "port": account.port, "security": "none",
        "from_address": account.from_address,
    }  # fmt: skip
    assert client.post(pages[1], fields).status_code == 302
    assert transport.put_off_until(news, timezone.now()) is None
