"""Whether the application is under maintenance, as a function of the project says."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Maintenance:
    """Asks the function. One that fails has not answered, so that its last answer holds."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self._answer = False
        self._fails = False

    def is_on(self) -> bool:
        """The answer of now, else the last one; no before the first."""
        try:
            answer = bool(self._ask())
        except Exception:
            if not self._fails:
                log.exception("HORIZON['maintenance'] fails; its last answer holds: %s", self._answer)
            self._fails = True
            return self._answer
        if self._fails:
            log.info("HORIZON['maintenance'] answers again: %s", answer)
        self._answer, self._fails = answer, False
        return answer
