"""Settings whose schedule has a fault in each entry."""

from __future__ import annotations

from allegro.settings import *  # noqa: F403
from allegro.settings import HORIZON as RIGHT

HORIZON = {
    **RIGHT,
    "schedule": [
        {"name": "one", "cron": "now and then", "job": "allegro.audience.jobs.tick"},
        {"name": "two", "cron": "* * * * *", "job": "allegro.audience.jobs.tock"},
        {"name": "three", "cron": "* * * * *", "job": "allegro.audience.jobs.tick", "queue": "hihg"},
    ],
}
