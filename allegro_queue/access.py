"""Who may see the dashboard: one door for every page, fragment and action, decided afresh on each request."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from allegro_queue.conf import horizon_settings
from allegro_queue.rights import ALL_RIGHTS, Right
from allegro_queue.wording import worded

LOCAL = "local"

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Access:
    """The answer of a gate."""

    allowed: bool
    reason: str = ""
    """Why not, in words for the person who asks; empty when allowed."""
    sign_in: bool = False
    """Whether signing in may help: then the sign-in page is shown instead of a refusal."""
    open_to_all: bool = False
    """Let in without sign-in because this is ``local``; every page says so."""
    rights: frozenset[Right] = ALL_RIGHTS
    """What who is let in may do."""


def nobody(request: HttpRequest) -> Access:
    """The default gate: shut until ``HORIZON["gate"]`` names another."""
    return Access(False, gettext("HORIZON['gate'] is not set, so nobody may see this page. Name a function there."))


def staff_with_permission(request: HttpRequest) -> Access:
    """A gate for projects without one of their own: active staff with the permission ``allegro_queue.view_horizon``.

    What they may do is what their other permissions of ``allegro_queue`` say.
    """
    user = request.user
    if not user.is_authenticated:
        return Access(False, gettext("You are not signed in."), sign_in=True)
    if user.is_active and user.is_staff and user.has_perm("allegro_queue.view_horizon"):
        return Access(True, rights=frozenset(each for each in Right if user.has_perm(f"allegro_queue.{each}")))
    return Access(False, gettext("You need to be staff with the permission 'allegro_queue.view_horizon'."))


def decide(request: HttpRequest) -> Access:
    """Whether this request may pass: from this machine in ``local``, else as the project's gate says."""
    settings = horizon_settings()
    if settings.environment == LOCAL and is_loopback(request.META.get("REMOTE_ADDR", "")):
        return Access(True, open_to_all=True)
    gate: Callable[[HttpRequest], Access] = import_string(settings.gate)
    return gate(request)


def access_of(request: HttpRequest) -> Access:
    """What the gate said of a request that passed the door."""
    access: Access = getattr(request, "horizon_access", Access(False, rights=frozenset()))
    return access


def rights_of(request: HttpRequest) -> frozenset[Right]:
    """What the person behind a request that passed the door may do."""
    return access_of(request).rights


def token_name(request: HttpRequest) -> str:
    """Name of the API token that this request came with; empty for a person's own."""
    name: str = getattr(request, "horizon_token", "")
    return name


def without_right(request: HttpRequest, right: Right) -> HttpResponse:
    """A 403 that names the right that is missing."""
    reason = worded(
        gettext("You may see this dashboard, but not do this: the right {right} is missing."),
        right=f"allegro_queue.{right}",
    )
    return refusal(request, Access(False, reason))


def is_loopback(address: str) -> bool:
    """Whether the socket's own address is this machine. Forwarding headers do not count: anybody can send them."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def gated(view: View) -> View:
    """A view behind the door. What is let through is never cached and always checked for CSRF."""

    @functools.wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        access = decide(request)
        if access.allowed:
            request.horizon_access = access  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)
        return refusal(request, access)

    return never_cache(csrf_protect(door))


def refusal(request: HttpRequest, access: Access) -> HttpResponse:
    """The sign-in page for a page asked for by somebody unknown; else a 403 that says which condition fails."""
    if access.sign_in and request.method in ("GET", "HEAD") and not wants_fragment(request):
        return redirect_to_login(request.get_full_path())
    if wants_fragment(request):
        return HttpResponse(access.reason, status=403, content_type="text/plain; charset=utf-8")
    return render(request, "horizon/refused.html", {"reason": access.reason}, status=403)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether the page's own script asks, to refresh a part: it must get an answer, not a sign-in form."""
    return request.headers.get("X-Horizon-Fragment") == "1"
