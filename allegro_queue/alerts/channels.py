"""Sending one message by one channel, within its time."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.core.mail import EmailMessage, get_connection

from allegro_queue.alerts.options import Channel
from allegro_queue.errors import HorizonError

log = logging.getLogger(__name__)


class NotTaken(HorizonError):
    """A channel did not take a message; the text tells no secret."""


class TooSlow(BaseException):
    """The time of a channel is up. No ``Exception``, so that no plugin takes it for an answer of its service."""


def send(channel: Channel, subject: str, body: str, *, is_over: bool = False) -> None:
    """Hand a message to a channel.

    Raises:
        NotTaken: it was refused, or took too long.
    """
    try:
        with time_limit(channel.timeout):
            if channel.mail:
                send_mail(channel, subject, body)
            if channel.apprise:
                send_by_apprise(channel, subject, body, is_over=is_over)
    except TooSlow:
        raise NotTaken(f"it took longer than {channel.timeout} s") from None


def send_mail(channel: Channel, subject: str, body: str) -> None:
    """By Django's mail. The text of an error of a mail server may hold what is not meant for a page; its kind does not."""
    # A backend that is no SMTP takes no timeout.
    connection = get_connection()
    if hasattr(connection, "timeout"):
        connection.timeout = channel.timeout
    try:
        taken = EmailMessage(subject, body, to=list(channel.mail), connection=connection).send()
    except Exception as error:  # noqa: BLE001 - a backend may raise anything
        raise NotTaken(f"the mail server refused or did not answer ({type(error).__name__})") from None
    if not taken:
        raise NotTaken("the mail backend sent nothing")


def send_by_apprise(channel: Channel, subject: str, body: str, *, is_over: bool) -> None:
    """By Apprise, which knows Slack, Teams, Discord, PagerDuty, SMS and a plain webhook."""
    try:
        import apprise
    except ImportError:
        raise NotTaken("Apprise is not installed; install allegro_queue[alerts]") from None
    # Its log names addresses, and so secrets.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    sender = apprise.Apprise()
    for number, each in enumerate(channel.apprise, start=1):
        if not sender.add(each):
            raise NotTaken(f"its address no. {number} is none that Apprise knows")
    kind = apprise.NotifyType.SUCCESS if is_over else apprise.NotifyType.WARNING
    try:
        taken = sender.notify(title=subject, body=body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        raise NotTaken(f"the service refused or did not answer ({type(error).__name__})") from None
    if not taken:
        raise NotTaken("the service refused or did not answer")


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """End what is inside with ``TooSlow`` when its time is up: a service that trickles keeps no time limit of a socket.

    In another thread than the main one there is no alarm, and only the limits of the sockets hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
