"""``horizon_top``: the overview in a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from allegro_queue.management.overview_text import Line
from allegro_queue.management.screen import ENTER, LEAVE, drawn
from allegro_queue.stores import Stores
from tests.support.migrated import migrated_copy
from tests.support.running import MANAGE
from tests.support.runs import collected, failed_record
from tests.support.scenes import busy_system, quiet_system


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("horizon_top", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_piped_it_prints_the_overview_once_as_plain_text(stores: Stores) -> None:
    busy_system(stores, time.time())

    text = printed()

    assert re.search(r"^audience-sync +24 ", text, re.MULTILINE)
    assert "allegro.audience.jobs.sync_member" in text
    assert "WORKER" in text
    assert "\x1b" not in text


@pytest.mark.django_db
def test_a_quiet_system_is_said_to_be_quiet(stores: Stores) -> None:
    quiet_system(stores, time.time())

    assert "Quiet. Nothing waits and nothing runs." in printed("--once")


@pytest.mark.django_db
def test_an_error_s_text_can_neither_steer_the_terminal_nor_show_a_secret(stores: Stores) -> None:
    collected(stores, failed_record(time.time(), error="ValueError: \x1b]0;owned\x07 \x1b[2J token=abcdef123456"))

    text = printed("--once")

    assert "owned" in text
    assert "\x1b" not in text
    assert "abcdef123456" not in text


@pytest.mark.django_db
def test_without_redis_it_says_so_and_fails(redis_away: None) -> None:
    with pytest.raises(CommandError, match="did not answer"):
        printed("--once")


def test_what_is_no_interval_is_refused() -> None:
    for given in ("0", "nan", "often", "1e9"):
        with pytest.raises(CommandError, match="no number"):
            call_command("horizon_top", "--interval", given)


def test_a_screen_shows_what_fits_and_says_what_does_not() -> None:
    lines = [Line(f"line {number} that is long") for number in range(10)]

    rows = drawn(lines, (12, 4), colours=False).split("\n")

    assert len(rows) == 4
    assert "line 0 that…" in rows[0]
    assert "7 more" in rows[-1]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database with the project's tables."""
    return migrated_copy(tmp_path_factory.mktemp("top") / "top.sqlite3")


@pytest.mark.parametrize("how", ["q", "interrupt", "kill"])
def test_in_a_terminal_it_draws_until_one_leaves_and_gives_the_terminal_back(
    redis: Redis, database: str, how: str
) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "horizon_top", "--interval", "0.2"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "DATABASE_URL": database, "TERM": "xterm"},
        cwd=MANAGE.parent,
    )
    os.close(slave)
    try:
        seen = read_until(master, "q leaves")
        assert ENTER in seen
        assert "QUEUE" in seen
        if how == "q":
            os.write(master, b"q")
        else:
            process.send_signal(signal.SIGINT if how == "interrupt" else signal.SIGTERM)
        assert LEAVE in read_until(master, LEAVE)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)


def read_until(master: int, words: str) -> str:
    """What the terminal shows, up to some words."""
    seen = ""
    while words not in seen:
        assert select.select([master], [], [], 20)[0], seen
        try:
            part = os.read(master, 65_536)
        except OSError:
            break
        if not part:
            break
        seen += part.decode(errors="replace")
    assert words in seen, seen
    return seen
