"""How long attempts take, queue by queue."""

from __future__ import annotations

from allegro_queue.history.database import alias
from allegro_queue.history.models import Series
from allegro_queue.metrics.counts import HOUR


def recent_runtimes(now: float) -> dict[str, float]:
    """Mean milliseconds of an attempt by queue, over the last hours."""
    rows = Series.objects.using(alias()).filter(
        kind="queue", seconds=HOUR, starts_at__gte=now - 2 * HOUR, started__gt=0
    )
    sums: dict[str, tuple[float, int]] = {}
    for name, seconds, started in rows.values_list("name", "run_seconds", "started"):
        before = sums.get(name, (0.0, 0))
        sums[name] = before[0] + seconds, before[1] + started
    return {name: 1_000 * seconds / started for name, (seconds, started) in sums.items()}
