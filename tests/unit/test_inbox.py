from __future__ import annotations

import os
import signal
import time

from allegro_queue.inbox import SignalInbox


def test_a_signal_is_noted_and_ends_the_wait_at_once():
    with SignalInbox() as inbox:
        os.kill(os.getpid(), signal.SIGUSR1)
        began = time.monotonic()

        assert inbox.wait(30) == [signal.SIGUSR1]
        assert time.monotonic() - began < 5


def test_the_handlers_from_before_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with SignalInbox():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_several_signals_are_handed_over_in_the_order_they_came():
    inbox = SignalInbox()
    inbox.deliver(signal.SIGUSR2)
    inbox.deliver(signal.SIGTERM)

    assert inbox.wait(0) == [signal.SIGUSR2, signal.SIGTERM]
    assert inbox.wait(0) == []
