"""What the overview says first, for each situation."""

from __future__ import annotations

from typing import Any

import pytest

from allegro_queue.dashboard.findings.clockwork import Overdue
from allegro_queue.dashboard.findings.verdict import Verdict, verdict_on
from allegro_queue.dashboard.page.states import status_of
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.pulse import Pulse, QueuePulse
from tests.support import records

NOW = 1_800_000_000.0


def queue(name: str = "default", waiting: int = 0, oldest: float | None = None) -> QueuePulse:
    """A queue whose oldest job has waited so many seconds."""
    since = None if oldest is None else NOW - oldest
    return QueuePulse(name=name, waiting=waiting, oldest_at=since, running=0, failed=0)


def pulse(**given: Any) -> Pulse:
    """A healthy system: a master with one idle worker and a scheduler, a snapshot of a minute ago."""
    return Pulse(
        **{
            "at": NOW,
            "queues": (queue("high"), queue("default"), queue("audience-sync")),
            "masters": (records.master(NOW),),
            "workers": (records.worker(NOW),),
            "pauses": {},
            "scheduler": records.scheduler(NOW),
            "last_snapshot_at": NOW - 60,
            **given,
        }
    )


def verdict(seen: Pulse, **given: Any) -> Verdict:
    return verdict_on(
        seen,
        **{
            "connection": "",
            "waits": {"high": 10},
            "overdue": (),
            "has_schedule": True,
            "ever_used": True,
            "note": "One worker listens.",
            "snapshot_too_old_from": lambda taken_at: taken_at + 660,
            "clock": lambda unix: f"{NOW - unix:.0f} s before",
            **given,
        },
    )


def test_in_maintenance_mode_the_queues_that_nobody_else_serves_do_not_run() -> None:
    still = records.master(NOW, supervisors=(records.supervisor(maintenance=True),))
    forced = records.supervisor(name="forced", queue=("high",))
    mixed = records.master(NOW, supervisors=(records.supervisor(maintenance=True), forced))
    late = (queue("high"), queue("default", waiting=2, oldest=900), queue("audience-sync"))
    by_hand = records.worker(NOW, name="by-hand", master="", supervisor="", queues=("default",))

    alone = verdict(pulse(masters=(still,), workers=(), queues=late))
    assert alone.sentence == "Maintenance mode: high, default and audience-sync do not run."
    assert [each.line for each in alone.causes] == ["2 jobs wait."]
    assert verdict(pulse(masters=(mixed,))).sentence == "Maintenance mode: default and audience-sync do not run."
    served = pulse(masters=(mixed,), workers=(records.worker(NOW), by_hand))
    assert verdict(served).sentence == "Maintenance mode: audience-sync does not run."
    assert status_of(pulse(masters=(still,)), "redis").word == "Maintenance mode"
    assert status_of(served, "redis").word == "Running"


def test_a_maintenance_function_that_does_not_answer_is_told_with_its_hosts_and_the_longest_silence() -> None:
    silent = [
        records.master(NOW, name=host, host=host, maintenance_silent_since=NOW - seconds)
        for host, seconds in (("web-2", 20), ("web-1", 90))
    ]

    said = verdict(pulse(masters=(*silent, records.master(NOW, host="web-3"))))

    assert said.tone == "warn"
    assert said.sentence == 'HORIZON["maintenance"] has not answered on web-1 and web-2 for 1 min 30 s.'


def test_an_idle_system_is_quiet_and_well() -> None:
    assert verdict(pulse()) == Verdict(
        tone="ok", sentence="Quiet. Nothing waits and nothing runs.", note="One worker listens."
    )


def test_a_short_backlog_is_well_and_told() -> None:
    said = verdict(pulse(queues=(queue("default", waiting=284, oldest=12.4),)))

    assert (said.tone, said.sentence) == ("ok", "All well. 284 jobs wait, the oldest for 12 s.")


def test_without_any_process_the_waiting_jobs_are_counted_and_the_command_is_named() -> None:
    said = verdict(
        pulse(masters=(), workers=(), scheduler=None, queues=(queue("high", 41, 414), queue("default", 914, 418)))
    )

    assert (said.tone, said.sentence) == ("bad", "No workers. 955 jobs wait and nothing runs them.")
    assert said.causes[0].line == "default has 914 jobs waiting, the oldest for 6 min 58 s."
    assert said.command == "python manage.py horizon"


def test_a_first_run_is_told_from_a_dead_system() -> None:
    nothing = pulse(masters=(), workers=(), scheduler=None, last_snapshot_at=None)

    assert verdict(nothing, ever_used=False).sentence.startswith("Nothing has run here yet.")
    assert verdict(nothing, ever_used=True).sentence.startswith("No Horizon process and no workers.")


def test_workers_started_by_hand_are_amber_without_a_horizon_process() -> None:
    said = verdict(pulse(masters=(), scheduler=None))

    assert said.tone == "warn"
    assert "no Horizon process" in said.sentence


def test_a_process_without_a_living_worker_is_red() -> None:
    said = verdict(pulse(workers=(), queues=(queue("default", 3, 5),)))

    assert (said.tone, said.sentence) == ("bad", "Horizon runs, but has no worker alive. 3 jobs wait.")


def test_another_queue_connection_is_red_and_says_what_to_set() -> None:
    said = verdict(pulse(workers=()), connection="sync")

    assert said.tone == "bad"
    assert said.sentence == "QUEUE_CONNECTION is 'sync', so Horizon starts no worker and jobs pile up unprocessed."
    assert "Set QUEUE_CONNECTION=redis" in said.remedy


def test_a_queue_that_nobody_listens_to_is_red_only_with_jobs_and_unpaused() -> None:
    deaf = (records.worker(NOW, queues=("high",)),)

    assert verdict(pulse(workers=deaf, queues=(queue("default", 0),))).tone == "ok"
    said = verdict(pulse(workers=deaf, queues=(queue("default", 41, 30),)))
    assert (said.tone, said.sentence) == ("bad", "default has 41 jobs and no worker listens.")
    paused = {"default": Pause(queue="default", since=NOW - 60, by="ada", reason="maintenance")}
    said = verdict(pulse(workers=deaf, queues=(queue("default", 41, 30),), pauses=paused))
    assert (said.tone, said.sentence) == ("warn", "default is paused; 41 jobs wait.")
    assert said.causes[0].line == "default is paused since 60 s before by ada: “maintenance”."


def test_a_stopped_scheduler_makes_the_graphs_stale_since_the_last_snapshot() -> None:
    said = verdict(
        pulse(scheduler=None, last_snapshot_at=NOW - 1500), overdue=[Overdue(name="tick", late_seconds=1400)]
    )

    assert said.tone == "warn"
    assert "Graphs are stale since 1500 s before" in said.sentence
    assert "1 cron entry is overdue" in said.sentence


def test_no_scheduler_is_no_fault_where_nothing_is_scheduled() -> None:
    assert verdict(pulse(scheduler=None), has_schedule=False).tone == "ok"


@pytest.mark.parametrize(("age", "tone"), [(659, "ok"), (661, "warn")])
def test_a_snapshot_is_stale_after_eleven_minutes(age: float, tone: str) -> None:
    assert verdict(pulse(last_snapshot_at=NOW - age)).tone == tone


def test_a_missing_first_snapshot_is_given_its_time() -> None:
    young = (records.master(NOW, started_at=NOW - 120),)

    assert verdict(pulse(last_snapshot_at=None, masters=young)).tone == "ok"
    assert verdict(pulse(last_snapshot_at=None)).sentence == "No snapshot was ever taken, so the graphs are stale."


@pytest.mark.parametrize(
    ("name", "waited", "tone"),
    [("high", 9, "ok"), ("high", 11, "warn"), ("default", 59, "ok"), ("default", 61, "warn")],
)
def test_a_wait_is_too_long_past_the_queue_s_own_limit_or_a_minute(name: str, waited: float, tone: str) -> None:
    assert verdict(pulse(queues=(queue(name, 2, waited),))).tone == tone


def test_a_supervisor_in_trouble_is_red_in_its_own_words() -> None:
    troubled = records.supervisor(trouble="its workers die within a second of their start")

    said = verdict(pulse(masters=(records.master(NOW, supervisors=(troubled,)),)))

    assert said.tone == "bad"
    assert "die within a second" in said.causes[0].line


def test_a_lost_worker_is_told_with_what_became_of_its_job() -> None:
    said = verdict(pulse(lost=(records.lost(NOW, outcome="failed"),)))

    assert (said.tone, said.sentence) == ("warn", "A worker died in the last 15 minutes.")
    assert said.causes[0].line.endswith("was it out of memory? Its job failed.")


def test_the_worst_comes_first_and_no_more_than_three_causes_are_listed() -> None:
    said = verdict(
        pulse(
            scheduler=None,
            lost=(records.lost(NOW),),
            suspended=True,
            queues=(queue("high", 1, 20), queue("lonely", 5, 1)),
            pauses={"high": Pause(queue="high", since=NOW)},
            masters=(records.master(NOW, supervisors=(records.supervisor(trouble="it fails"),)),),
        )
    )

    assert (said.tone, len(said.causes)) == ("bad", 3)
    assert said.more >= 1


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "Running"),
        ({"masters": (), "workers": ()}, "Inactive"),
        ({"workers": ()}, "No workers"),
        ({"masters": ()}, "No Horizon process"),
        ({"suspended": True}, "Suspended"),
        ({"pauses": {"*": Pause(queue="*", since=NOW)}}, "Paused"),
        ({"pauses": {"high": Pause(queue="high", since=NOW)}}, "Running"),
        ({"masters": (records.master(NOW, status="paused"),)}, "Paused"),
    ],
)
def test_the_bar_has_one_word_for_the_whole(given: dict[str, Any], word: str) -> None:
    assert status_of(pulse(**given), "redis").word == word


def test_the_bar_names_a_wrong_connection_before_anything_else() -> None:
    assert status_of(pulse(), "sync").word == "Idle: wrong connection"
