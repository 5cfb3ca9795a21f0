"""How often a test talks to Redis: a command or a whole pipeline is one round trip."""

from __future__ import annotations

from typing import Any

import pytest
from redis.connection import AbstractConnection


def trips_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that takes a note of each from now on."""
    trips: list[str] = []
    send = AbstractConnection.send_packed_command

    def noted(self: Any, *args: Any, **options: Any) -> Any:
        trips.append("sent")
        return send(self, *args, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", noted)
    return trips
