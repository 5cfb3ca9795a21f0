"""Settings of a project whose alerts fire at once and are over at once."""

from __future__ import annotations

from allegro.settings import *  # noqa: F403
from allegro.settings import HORIZON as ALLEGRO
from allegro_queue.alerts.rules import RULES

HORIZON = {
    **ALLEGRO,
    "alerts": {**ALLEGRO["alerts"], "rules": {name: {"for": 0, "clear": 0} for name in RULES}},
}
