"""For whom the running code acts: the tenant that a dispatched job inherits and that its worker restores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_tenant: ContextVar[str] = ContextVar("allegro_queue_tenant", default="")


def current_tenant() -> str:
    """The tenant's id as text; empty when the code acts for nobody in particular."""
    return _tenant.get()


@contextmanager
def acting_for(tenant: str) -> Iterator[None]:
    """Act for one tenant until the block ends; jobs dispatched inside carry it."""
    token = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(token)
