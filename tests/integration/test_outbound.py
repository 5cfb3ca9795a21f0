from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from allegro.outbound import Answer, BlockedAddress, OutboundError, send


def get(url: str, *, seconds: float = 5, allow_private: bool = True, **options: int) -> Answer:
    return send("GET", url, headers={}, seconds=seconds, allow_private=allow_private, **options)


@contextmanager
def raw_server(talk) -> Iterator[int]:
    """A server that accepts one connection and hands it to ``talk``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # The other side may have had enough.
            with connection, suppress(OSError):
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_the_headers_given_are_sent_and_no_others(httpserver: HTTPServer):
    seen: dict[str, str] = {}

    def look(request: Request) -> Response:
        seen.update(request.headers.items())
        return Response(request.get_data())

    httpserver.expect_request("/hook", method="POST").respond_with_handler(look)

    answer = send(
        "POST",
        httpserver.url_for("/hook?a=%20b"),
        headers={"X-One": "1"},
        body=b"body",
        seconds=5,
        allow_private=True,
    )

    assert answer == Answer(status=200, body=b"body", truncated=False)
    assert seen == {"Host": f"localhost:{httpserver.port}", "X-One": "1", "Content-Length": "4"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "①②⑦.⓪.⓪.①",
        "127.0.0.1.",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.1",
        "00000177.0.0.1",
        "127.000.000.001",
        "[::127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[0000:0000:0000:0000:0000:ffff:7f00:0001]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%25lo]",
        "[fec0::1]",
        "[fd00:ec2::254]",
        "localhost%00.example.com",
        "localhost.localdomain",
        "ip6-localhost",
        "127。0。0。1",
        "10.0.0.1",
        "172.17.0.1",
        "192.168.0.1",
        "100.100.100.200",
        "255.255.255.255",
        "metadata.google.internal",
    ],
)
def test_no_notation_of_a_private_address_is_connected_to(httpserver: HTTPServer, host: str):
    with pytest.raises(OutboundError):
        get(f"http://{host}:{httpserver.port}/", seconds=2, allow_private=False)

    assert httpserver.log == []


def test_a_blocked_address_is_said_to_be_one(httpserver: HTTPServer):
    with pytest.raises(BlockedAddress, match="localhost is at a private address"):
        get(f"http://localhost:{httpserver.port}/", allow_private=False)


def test_a_name_that_answers_differently_the_second_time_gains_nothing(httpserver: HTTPServer, monkeypatch):
    real = socket.getaddrinfo
    asked: list[str] = []

    def rebinding(host, port, *args, **kwargs):
        if host != "rebinding.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    with pytest.raises(OutboundError):
        get(f"http://rebinding.example:{httpserver.port}/", seconds=1, allow_private=False)

    assert len(asked) == 1
    assert httpserver.log == []


def test_one_private_address_among_public_ones_blocks_the_name(httpserver: HTTPServer, monkeypatch):
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: rows)

    with pytest.raises(BlockedAddress):
        get("http://mixed.example/", allow_private=False)


def test_a_redirect_is_an_answer_and_is_not_followed(httpserver: HTTPServer):
    httpserver.expect_request("/away").respond_with_data("", status=302, headers={"Location": "/there"})

    assert get(httpserver.url_for("/away")).status == 302
    assert [request.path for request, _ in httpserver.log] == ["/away"]


def test_a_target_that_accepts_and_never_answers_ends_at_the_deadline():
    released = threading.Event()
    with raw_server(lambda connection: released.wait(10)) as port:
        started = time.monotonic()
        with pytest.raises(OutboundError, match=r"127.0.0.1 did not answer within 0.5 s"):
            get(f"http://127.0.0.1:{port}/", seconds=0.5)
        released.set()

    assert time.monotonic() - started < 3


def test_a_body_that_drips_byte_by_byte_ends_at_the_deadline():
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with raw_server(drip) as port:
        started = time.monotonic()
        with pytest.raises(OutboundError, match=r"did not answer within 0.5 s"):
            get(f"http://127.0.0.1:{port}/", seconds=0.5)

    assert time.monotonic() - started < 3


def test_a_resolver_that_hangs_ends_at_the_deadline(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [released.wait(10)][:0])

    started = time.monotonic()
    with pytest.raises(OutboundError, match=r"did not answer within 0.3 s"):
        get("http://slow.example/", seconds=0.3)
    released.set()

    assert time.monotonic() - started < 3


def test_no_more_of_a_body_is_read_than_was_asked_for(httpserver: HTTPServer):
    httpserver.expect_request("/long").respond_with_data("x" * 500_000)

    answer = get(httpserver.url_for("/long"), largest=1000)

    assert answer == Answer(status=200, body=b"x" * 1000, truncated=True)


def test_what_is_not_http_is_an_error_and_not_a_crash():
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH\r\n")

    with raw_server(talk) as port, pytest.raises(OutboundError, match=r"The connection to 127.0.0.1 failed"):
        get(f"http://127.0.0.1:{port}/")


def test_an_unknown_host_is_said_to_be_unknown(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(OutboundError, match=r"nowhere.example failed: the host's address was not found"):
        get("https://nowhere.example/private/path")


@pytest.mark.parametrize(
    "url",
    [
        "gopher://127.0.0.1:{port}/_GET",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "dict://127.0.0.1:{port}/info",
        "redis://127.0.0.1:{port}/",
        "unix:///tmp/x.sock",
        "//127.0.0.1:{port}/",
        "http://evil.example@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}#@evil.example/",
        "http://127.0.0.1:{port}\\@93.184.216.34/",
        "http://93.184.216.34\\@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/ HTTP/1.1\r\nX: y\r\n",
        "http://127.0.0.1:0/",
        "http:127.0.0.1:{port}/",
    ],
)
def test_no_url_however_written_reaches_a_private_target(httpserver: HTTPServer, url: str):
    with pytest.raises(OutboundError):
        get(url.format(port=httpserver.port), seconds=1, allow_private=False)

    assert httpserver.log == []


def test_a_redirect_to_a_private_target_is_not_followed_whatever_its_kind(httpserver: HTTPServer):
    for status in (301, 302, 303, 307, 308):
        location = httpserver.url_for("/private")
        httpserver.expect_request(f"/{status}").respond_with_data("", status=status, headers={"Location": location})
        assert get(httpserver.url_for(f"/{status}")).status == status

    assert "/private" not in [request.path for request, _ in httpserver.log]


def test_a_compressed_bomb_is_kept_as_it_came(httpserver: HTTPServer):
    bomb = gzip.compress(b"x" * 10_000_000)
    httpserver.expect_request("/").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})

    assert get(httpserver.url_for("/")) == Answer(status=200, body=bomb, truncated=False)


def test_of_a_body_without_end_no_more_is_read_than_the_limit():
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 1_000_000_000:
            sent += connection.send(b"x" * 65536)

    with raw_server(pour) as port:
        answer = get(f"http://127.0.0.1:{port}/", seconds=5)

    assert (len(answer.body), answer.truncated) == (64 * 1024, True)
    # What the two sockets hold between them.
    assert sent < 20_000_000


@pytest.mark.parametrize(
    "line",
    [b"X-Header: " + b"x" * 1000 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["headers", "interim answers"],
)
def test_an_answer_that_never_gets_to_its_body_ends_early_or_at_the_deadline(line: bytes):
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" if line.startswith(b"X") else b"")
        while True:
            connection.sendall(line)

    started = time.monotonic()
    with raw_server(talk) as port, pytest.raises(OutboundError):
        get(f"http://127.0.0.1:{port}/", seconds=1)

    assert time.monotonic() - started < 4
