"""Which runs are asked for, as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.history.rows import WORD

MOST_TERMS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Also:
    """A condition that no index answers: runs are looked at one by one."""

    of: str
    """A key of ``conditions.COMPARED``."""
    values: tuple[str, ...] = ()
    """Any of these; without them, the bounds count."""
    least: float | None = None
    most: float | None = None
    excluded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which runs. What is left empty asks for nothing; all that is given must hold."""

    outcomes: tuple[str, ...] = ()
    """Any of these; ``failed`` does not stand for ``lost``."""
    queue: str = ""
    name: str = ""
    tag: str = ""
    tenant: str = ""
    batch: str = ""
    exception: str = ""
    fingerprint: str = ""
    job_id: str = ""
    worker: str = ""
    host: str = ""
    text: str = ""
    """Words that all stand in its name, tags, error or arguments; each may be the beginning of one."""
    silenced: bool | None = None
    """``True``: only silenced jobs; ``False``: none of them."""
    since: float = 0.0
    """Recorded at this Unix time or later."""
    until: float = 0.0
    """Recorded before this Unix time; 0 for no end."""
    also: tuple[Also, ...] = ()
    """All of these."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The words asked for, in lower case."""
        return tuple(dict.fromkeys(WORD.findall(self.text.lower())))[:MOST_TERMS]

    @property
    def driver(self) -> str:
        """The part that the page is found by: the one that is likely to leave the fewest rows."""
        order = ("job_id", "batch", "tag", "fingerprint", "text", "tenant", "exception")
        for part in order:
            if self.terms if part == "text" else getattr(self, part):
                return part
        if len(self.outcomes) == 1 and self.outcomes != ("succeeded",):
            return "outcomes"
        for part in ("name", "queue"):
            if getattr(self, part):
                return part
        if self.silenced:
            return "silenced"
        return "outcomes" if len(self.outcomes) == 1 else ""
