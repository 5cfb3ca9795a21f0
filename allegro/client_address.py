"""Where a request comes from: the network that limits are counted by."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

IPV6_PREFIX = 64
"""A household or a server has a network of this size to itself, and any address of it."""


def client_address(request: HttpRequest) -> str:
    """The address of the client: that of the socket, or what the trusted proxies (``TRUSTED_PROXIES``) say.

    Each proxy adds whom it was called by at the end of ``X-Forwarded-For``; what stands further to the left anybody may
    have written.
    """
    steps = [str(request.META.get("REMOTE_ADDR", ""))]
    if settings.TRUSTED_PROXIES:
        said = (each.strip() for each in request.headers.get("X-Forwarded-For", "").split(","))
        steps = [*filter(None, said), *steps]
    return steps[max(len(steps) - 1 - settings.TRUSTED_PROXIES, 0)]


def network_of(request: HttpRequest) -> str:
    """The client's network as a keyed hash: enough to count by, and no address to keep."""
    address = client_address(request)
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        # All who cannot be told apart share one limit.
        return salted_hmac("allegro.client_address", "unknown", algorithm="sha256").hexdigest()
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        address = str(mapped) if mapped else str(ipaddress.ip_network((int(ip), IPV6_PREFIX), strict=False))
    else:
        address = str(ip)
    return salted_hmac("allegro.client_address", address, algorithm="sha256").hexdigest()
