"""This process as it was found: what a worker or a request in it changes of it, and would change for all tests that follow."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation
from setproctitle import getproctitle, setproctitle

# Not SIGALRM: the timer of a time limit that is over rings once more, for a handler that knows it. Without one it kills.
HANDLED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGCHLD,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
)


@contextmanager
def process_left_as_found() -> Iterator[None]:
    """Put signal handlers, the process's title and the language back, whatever was made of them meanwhile."""
    handlers = {number: signal.getsignal(number) for number in HANDLED}
    title = getproctitle()
    # A request leaves its language to its thread.
    with translation.override(translation.get_language()):
        yield
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    if getproctitle() != title:
        setproctitle(title)
