from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry

from allegro.dev.place import socket_path
from allegro.dev.redis_server import RedisServer, ServerTrouble
from allegro.dev.valkey import engine_of, server_binary
from tests.support.eventually import eventually

Owner = subprocess.Popen[str]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the server of a test lives; whatever a failed test leaves there is ended."""
    yield tmp_path / "redis"
    if answers(tmp_path / "redis"):
        with client(tmp_path / "redis") as left:
            left.shutdown(nosave=True)


@pytest.fixture
def own(folder: Path) -> Iterator[Callable[[], Owner]]:
    """Starts a process that owns, or shares, the server."""
    owners: list[Owner] = []

    def start() -> Owner:
        command = [sys.executable, "-m", "tests.support.owner", str(folder)]
        owners.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return owners[-1]

    yield start
    for each in owners:
        each.kill()
        each.communicate()


def client(folder: Path) -> Redis:
    return Redis(unix_socket_path=str(socket_path(folder)), socket_timeout=5, retry=Retry(NoBackoff(), 0))


def answers(folder: Path) -> bool:
    with client(folder) as connection:
        try:
            return bool(connection.ping())
        except ConnectionError:
            return False


def says(owner: Owner) -> str:
    assert owner.stdout is not None
    return owner.stdout.readline().strip()


def leave(owner: Owner) -> str:
    """Have an owner end in order; the rest of what it says."""
    return owner.communicate(timeout=20)[0].strip()


def test_a_clean_stop_keeps_the_data_and_leaves_no_socket_and_no_lock(folder, own):
    first = own()
    assert says(first) == "own"
    client(folder).set("job", "queued")

    assert leave(first) == "stopped"

    engine = engine_of(server_binary()).folder_name
    assert {each.name for each in folder.iterdir()} == {engine, "server.log"}
    second = own()
    assert says(second) == "own"
    assert client(folder).get("job") == b"queued"
    leave(second)


def test_an_owner_that_is_killed_takes_the_server_along_and_loses_nothing(folder, own):
    owner = own()
    assert says(owner) == "own"
    pid = client(folder).info("server")["process_id"]
    client(folder).rpush("queue", "a", "b")

    owner.kill()

    eventually(lambda: not Path(f"/proc/{pid}").exists(), within=10)
    heir = own()
    assert says(heir) == "own"
    assert client(folder).lrange("queue", 0, -1) == [b"a", b"b"]
    leave(heir)


def test_a_server_that_is_killed_loses_nothing(folder, own):
    owner = own()
    assert says(owner) == "own"
    client(folder).rpush("queue", "a")

    os.kill(client(folder).info("server")["process_id"], signal.SIGKILL)
    owner.kill()
    owner.wait()

    heir = own()
    assert says(heir) == "own"
    assert client(folder).lrange("queue", 0, -1) == [b"a"]
    leave(heir)


def test_a_second_starter_shares_the_server_and_does_not_stop_it(folder, own):
    first, second = own(), None
    assert says(first) == "own"

    second = own()
    assert says(second) == "shared"
    leave(second)

    assert answers(folder)
    leave(first)
    assert not answers(folder)


def test_an_orphan_is_asked_to_end_and_replaced_with_its_data_kept(folder, own, tmp_path):
    # As where there is no parent-death signal: a server on this folder whose owner is gone.
    data = folder / engine_of(server_binary()).folder_name
    data.mkdir(parents=True)
    orphan = subprocess.Popen(
        [server_binary(), "--port", "0", "--unixsocket", socket_path(folder), "--dir", data, "--appendonly", "yes"],
        stdout=subprocess.DEVNULL,
    )
    eventually(lambda: answers(folder))
    client(folder).set("job", "queued")

    heir = own()

    assert says(heir) == "own"
    assert orphan.wait(timeout=10) == 0
    assert client(folder).get("job") == b"queued"
    assert client(folder).info("server")["process_id"] != orphan.pid
    leave(heir)


def test_a_sharer_is_told_when_the_server_goes(folder, own):
    owner = own()
    assert says(owner) == "own"
    sharer = RedisServer(folder, server_binary())
    sharer.start()
    assert sharer.shared
    assert sharer.trouble() == ""

    leave(owner)

    assert "the 'dev' that it belongs to has ended" in sharer.trouble()


def test_a_path_too_long_for_a_socket_works_and_leaves_nothing_in_the_short_folder(tmp_path):
    folder = tmp_path / ("long" * 30) / "redis"
    server = RedisServer(folder, server_binary())

    server.start()
    assert server.answers()
    assert len(str(server.socket)) < 100
    assert server.socket.parent.stat().st_mode & 0o777 == 0o700
    server.stop()

    assert not server.socket.parent.exists()


def test_the_server_listens_on_no_port_and_never_evicts(tmp_path):
    server = RedisServer(tmp_path / "redis", server_binary())
    server.start()
    try:
        settings = client(tmp_path / "redis").config_get("*")
    finally:
        server.stop()

    assert settings["port"] == "0"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["save"] == ""


def test_a_server_that_cannot_start_says_why_and_leaves_no_lock(tmp_path):
    server = RedisServer(tmp_path / "redis", server_binary())
    (server.data / "appendonlydir").mkdir(parents=True)
    (server.data / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(ServerTrouble, match=r"(?s)did not start. The end of .*server.log.*manifest"):
        server.start()

    assert not (tmp_path / "redis" / "lock").exists()
