"""HTTP requests to addresses that came from outside: one deadline for all of it, no redirects, no private targets.

A name is resolved here and the connection goes to the very address that was checked, so that a name which answers
differently the second time gains nothing. Proxies from the environment are not used.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

from allegro_queue.tellings import Telling, telling

LARGEST_ANSWER_BYTES = 64 * 1024

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class OutboundError(Exception):
    """The request brought no answer. The message is a telling, and names the host at most: a path may hold what is private."""


class Silence(OutboundError):
    """Nobody answered: no such host, no connection, or no answer in time."""


class BlockedAddress(OutboundError):
    """The target is in a network that must not be reached from here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    """Its first bytes; what was longer was not read."""
    truncated: bool
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)
    """By name in lower case; of a header that came more than once, the last."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and not a private one in another notation."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        # What lies outside is of no use on the internet, and holds forms that the standard library takes for public.
        if ip not in GLOBAL_UNICAST:
            return False
        # These carry an IPv4 address inside, which a gateway on the way may turn back into a private target.
        if ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    seconds: float,
    allow_private: bool,
    largest: int = LARGEST_ANSWER_BYTES,
) -> Answer:
    """Send one request with these headers and no others (but for ``Host`` and ``Content-Length``).

    Args:
        seconds: for everything: finding the address, connecting, sending, and reading the answer.
        allow_private: whether private and loopback targets may be reached.
        largest: bytes of the answer that are read.

    Raises:
        BlockedAddress: the target is private and that is not allowed.
        OutboundError: no answer came, for whatever reason.
    """
    deadline = time.monotonic() + seconds
    target = parse_url(url)
    backend = GuardedBackend(deadline, allow_private)
    length = [("Content-Length", str(len(body)))] if body else []
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=ssl_context(), network_backend=backend, max_connections=1, retries=0
            ) as pool,
            pool.stream(
                method,
                httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path),
                headers=[("Host", target.netloc.decode("ascii")), *headers.items(), *length],
                content=body or None,
                extensions={"timeout": {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}},
            ) as response,
        ):
            read, truncated = read_at_most(response.iter_stream(), largest)
            said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(status=response.status, body=read, truncated=truncated, headers=said)
    except httpcore.TimeoutException as error:
        raise Silence(
            telling("{host} did not answer within {seconds} s.", host=target.host, seconds=format(seconds, "g"))
        ) from error
    except (httpcore.NetworkError, OSError) as error:
        raise Silence(failed_words(target.host, error)) from error
    except httpcore.ProtocolError as error:
        raise OutboundError(failed_words(target.host, error)) from error


def failed_words(host: str, error: Exception) -> Telling:
    return telling("The connection to {host} failed: {error}.", host=host, error=str(error))


def parse_url(url: str) -> httpx.URL:
    """The URL in parts.

    Raises:
        OutboundError: it is no absolute http or https URL, or holds a user name.
    """
    try:
        target = httpx.URL(url)
        # Decoded when it is read: a host such as "xn--" only fails here.
        host = target.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise OutboundError(telling("The URL is malformed: {error}", error=str(error))) from error
    if target.scheme not in ("http", "https") or not host:
        raise OutboundError(telling("The URL must begin with https:// (or http://) and a host."))
    if target.port is not None and not 0 < target.port < 65536:
        raise OutboundError(telling("The URL is malformed: a port is a number from 1 to 65535."))
    if target.userinfo:
        raise OutboundError(telling("The URL must not hold a user name or password."))
    return target


def read_at_most(parts: Iterable[bytes], largest: int) -> tuple[bytes, bool]:
    """The first bytes of a body, and whether there was more."""
    read = bytearray()
    for part in parts:
        read += part
        if len(read) > largest:
            return bytes(read[:largest]), True
    return bytes(read), False


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Certificates are always checked. Made once per process: reading the authorities takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """IP addresses of a host, in the resolver's order.

    The resolver takes no time limit, so it runs in a thread that is left behind when it takes too long.

    Raises:
        httpcore.ConnectTimeout: it took longer than ``seconds``.
        httpcore.ConnectError: there is no such host.
    """
    found: list[str] = []
    faults: list[Exception] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(row[4][0]) for row in rows)
        except (OSError, UnicodeError) as error:
            faults.append(error)

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if thread.is_alive():
        raise httpcore.ConnectTimeout
    if faults:
        raise httpcore.ConnectError("the host's address was not found") from faults[0]
    return list(dict.fromkeys(found))


def checked_addresses(host: str, port: int, seconds: float, *, allow_private: bool) -> list[str]:
    """The same, for addresses that may be connected to; the connection must go to one of these, not to the name.

    Raises:
        BlockedAddress: the host is private and that is not allowed.
        httpcore.ConnectTimeout, httpcore.ConnectError: as ``resolve``.
    """
    addresses = resolve(host, port, seconds)
    # One private address among them is reason enough: such a name is either broken or hostile.
    if not allow_private and not all(is_public(each) for each in addresses):
        raise BlockedAddress(telling("{host} is at a private address, which must not be reached from here.", host=host))
    return addresses


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and only until the deadline."""

    def __init__(self, deadline: float, allow_private: bool) -> None:
        self.deadline = deadline
        self.allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self.deadline - time.monotonic()
        addresses = checked_addresses(host, port, seconds, allow_private=self.allow_private)
        fault: Exception = httpcore.ConnectError("the host has no address")
        for address in addresses:
            remaining = self.deadline - time.monotonic()
            if remaining <= 0:
                raise httpcore.ConnectTimeout
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, remaining, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
                continue
            return DeadlineStream(stream, self.deadline)
        raise fault


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every step ends at the deadline, however little comes at a time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.remaining(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.remaining(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, self.remaining(httpcore.ConnectTimeout))
        return DeadlineStream(secured, self.deadline)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)

    def remaining(self, error: type[Exception]) -> float:
        """Seconds until the deadline; ``error`` is raised when there are none."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise error
        return seconds
