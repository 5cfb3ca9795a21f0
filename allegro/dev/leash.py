"""Run a command that ends when its starter dies: ``leash.py PARENT SIGNAL COMMAND…``.

The kernel sends the signal, so it also arrives when the starter was killed with ``kill -9``. Linux only; elsewhere the
command is run as it is. A script, not a function that runs between fork and exec, so that a starter with threads is safe.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, number, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.Signals[number].value, 0, 0, 0)
        if os.getppid() != int(parent):
            # The starter died before the kernel was asked, so nobody will tell us.
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
