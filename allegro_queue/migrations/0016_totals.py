"""What was ever counted of each queue and job, from the days that are kept; the collector goes on from there."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from django.db import migrations

DAY, EVER = 86_400, 0
SUMS = ("started", "succeeded", "failed", "retried", "stopped", "run_seconds", "waited", "wait_seconds")
LONGEST = ("run_longest", "wait_longest")
TIMES = ("run_times", "wait_times")


def add_up(apps: Any, schema_editor: Any) -> None:
    # A collector of this version may have begun some already, when it was started before the tables were migrated.
    forget(apps, schema_editor)
    series = apps.get_model("allegro_queue", "Series").objects.using(schema_editor.connection.alias)
    days = series.filter(kind__in=("queue", "job"), seconds=DAY).order_by("kind", "name").iterator()
    for (kind, name), rows in groupby(days, key=lambda row: (row.kind, row.name)):
        total = series.model(kind=kind, name=name, seconds=EVER, starts_at=0)
        times: dict[str, Counter[int]] = {each: Counter() for each in TIMES}
        for row in rows:
            for each in SUMS:
                setattr(total, each, getattr(total, each) + getattr(row, each))
            for each in LONGEST:
                setattr(total, each, max(getattr(total, each), getattr(row, each)))
            for each in TIMES:
                for pair in getattr(row, each).split():
                    bucket, _, count = pair.partition(":")
                    times[each][int(bucket)] += int(count)
        for each, found in times.items():
            setattr(total, each, " ".join(f"{bucket}:{count}" for bucket, count in sorted(found.items())))
        total.save()


def forget(apps: Any, schema_editor: Any) -> None:
    apps.get_model("allegro_queue", "Series").objects.using(schema_editor.connection.alias).filter(seconds=EVER).delete()


class Migration(migrations.Migration):
    dependencies = [("allegro_queue", "0015_journal_in_any_language")]

    operations = [migrations.RunPython(add_up, forget)]
