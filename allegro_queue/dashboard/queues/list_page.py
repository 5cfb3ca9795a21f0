"""What the list of queues shows: all of them in the order of priority."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.minute_values import MINUTES
from allegro_queue.dashboard.queues.rows import QueueRow, queue_rows
from allegro_queue.dashboard.queues.words import say_of_all
from allegro_queue.history.measured import extent
from allegro_queue.history.measured import minutes as minutes_of
from allegro_queue.history.patience import counted
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuesPage:
    """Are the queues keeping up?"""

    tone: str
    sentence: str
    sub: str
    queues: tuple[QueueRow, ...]
    lane_scale: SafeString
    slot_count: int


def read_queues(stores: Stores, pulse: Pulse) -> QueuesPage:
    """The page of all queues: two round trips besides the pulse's two."""
    minutes = counted(lambda: minutes_of(stores, extent(stores, pulse.at), pulse.at, MINUTES)) or ()
    rows = queue_rows(pulse, horizon_settings(), minutes)
    tone, sentence = say_of_all(rows, pulse)
    return QueuesPage(
        tone=tone,
        sentence=sentence,
        sub=gettext("Workers always take from the highest queue that has work."),
        queues=rows,
        lane_scale=charts.lane_scale(),
        slot_count=len(pulse.workers),
    )
