"""What the page of one queue shows: whether it keeps up, its figures, who takes from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.metrics.charts import Chart
from allegro_queue.dashboard.metrics.minute_values import MINUTES
from allegro_queue.dashboard.metrics.pause_marks import read_marks
from allegro_queue.dashboard.page.formats import in_words
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing
from allegro_queue.dashboard.page.tile import Tile
from allegro_queue.dashboard.queues.charts import last_hour_of, wait_chart
from allegro_queue.dashboard.queues.rows import QueueRow, queue_rows
from allegro_queue.dashboard.queues.tiles import tiles_of
from allegro_queue.dashboard.queues.words import say_of_one
from allegro_queue.history.by_function import FunctionShares, functions_of
from allegro_queue.history.measured import Minute, extent
from allegro_queue.history.measured import minutes as minutes_of
from allegro_queue.history.patience import counted
from allegro_queue.metrics.counts import HOUR
from allegro_queue.metrics.drain import drain_of
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.supervisor_options import planned_queues
from allegro_queue.wording import worded

PAUSE_MINUTES = (
    (15, gettext_noop("15 min")),
    (60, gettext_noop("1 hour")),
    (None, gettext_noop("until I resume")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A worker that takes from this queue, and how many queues it looks at before."""

    record: WorkerRecord
    place: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the page takes from the database. It stands without, while that is busy."""

    minutes: Sequence[Minute]
    marks: Sequence[charts.Mark]
    wait: Chart
    functions: FunctionShares


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePage:
    """Is this queue keeping up?"""

    tone: str
    sentence: str
    sub: str
    name: str
    rank: int
    of: int
    tiles: tuple[Tile, ...]
    late: bool
    """Whether the database took too long: what is from it is missing."""
    hour: SafeString
    hour_sentence: str
    hour_twin: SafeString
    queues: tuple[QueueRow, ...]
    lane_scale: SafeString
    slot_count: int
    wait: Chart | None
    functions: FunctionShares | None
    listeners: tuple[Listener, ...]
    pause: Pause | None
    """Its own pause; ``None`` also when all queues are paused together."""
    waiting: int
    empty_address: str
    move_address: str
    start_command: str
    pause_minutes: tuple[tuple[int | None, str], ...]
    longest_reason: int = LONGEST_REASON


def read_queue(stores: Stores, pulse: Pulse, name: str) -> QueuePage | Missing:
    """The page of one queue: two round trips besides the pulse's two, six short queries."""
    queue = next((each for each in pulse.queues if each.name == name), None)
    if queue is None:
        return Missing(
            heading=gettext("There is no queue of this name."),
            words=worded(gettext("RQ_QUEUES has {queues}."), queues=in_words([each.name for each in pulse.queues])),
            asked=name[:200],
            back=link("queues"),
            back_words=gettext("All queues"),
        )
    settings = horizon_settings()
    past = counted(lambda: read_past(stores, pulse, name))
    minutes = past.minutes if past else ()
    rows = queue_rows(pulse, settings, minutes)
    row = next(each for each in rows if each.pulse.name == name)
    served = [each for each in planned_queues(settings) if each in {other.name for other in pulse.queues}]
    order = served if name in served else [name]
    drain = drain_of(
        name,
        order,
        {each.name: each.waiting for each in pulse.queues if not pulse.is_paused(each.name) or each.name == name},
        {each.pulse.name: each.per_minute or 0.0 for each in rows if each.pulse.name in order},
    )
    tone, sentence, sub = say_of_one(queue, row, pulse, drain, settings)
    hour, hour_sentence, twin = (
        last_hour_of(queue, past.minutes, past.marks) if past else (SafeString(), "", SafeString())
    )
    return QueuePage(
        tone=tone,
        sentence=sentence,
        sub=sub,
        name=name,
        rank=row.rank,
        of=len(rows),
        tiles=tuple(tiles_of(queue, row, pulse, minutes)),
        late=past is None,
        hour=hour,
        hour_sentence=hour_sentence,
        hour_twin=twin,
        queues=rows,
        lane_scale=charts.lane_scale(),
        slot_count=len(pulse.workers),
        wait=past.wait if past else None,
        functions=past.functions if past else None,
        listeners=tuple(
            Listener(record=worker, place=worker.queues.index(name) + 1) for worker in pulse.workers_of(name)
        ),
        pause=pulse.pauses.get(name),
        pause_minutes=tuple((minutes, gettext(words)) for minutes, words in PAUSE_MINUTES),
        waiting=queue.waiting,
        empty_address=link("confirm_empty", query={"queue": name, "next": link("queue", queue=name)}),
        move_address=link("confirm_move", query={"queue": name, "next": link("queue", queue=name)}),
        start_command=f"python manage.py rqworker {name}",
    )


def read_past(stores: Stores, pulse: Pulse, name: str) -> Past:
    """All queries of the page."""
    reach = extent(stores, pulse.at)
    minutes = minutes_of(stores, reach, pulse.at, MINUTES)
    marks = read_marks(name, minutes[0].starts_at, minutes[-1].starts_at + 60)
    return Past(
        minutes=minutes,
        marks=marks,
        wait=wait_chart(name, reach, pulse.at, marks),
        functions=functions_of(name, since=pulse.at - HOUR),
    )
