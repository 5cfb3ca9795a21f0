"""The form that asks for a link, the page that a link leads to, the code beside it, and what another tab asks."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from allegro.audience.addresses import clean_address
from allegro.audience.freshness import ensure_fresh_for_login
from allegro.audience.models import Member
from allegro.audience.sessions import identify, sign_in, signed_in_member
from allegro.audience.signals import signing_in
from allegro.client_address import network_of
from allegro.magic_links.links import (
    SignIn,
    TooManyRequests,
    find_live,
    organization_of,
    request_link,
    safe_return_url,
    use_code,
    use_link,
)
from allegro.magic_links.models import MagicLink
from allegro.mailed_links import TOKEN_PARAMETER
from allegro.organizations.current import UnknownOrganization, current_organization
from allegro.organizations.models import Organization
from allegro.token_cookie import drop_token, given_token, without_token
from allegro_queue.errors import QueueUnavailable

ASKED = "magic_link_id"
"""Where a session keeps which link it asked for: its code is good in this session alone."""

LARGEST_DATA = 2000
"""Characters of ``data`` as JSON."""

COOKIE = "allegro_token"


class MalformedData(ValueError):
    """``data`` is not what it should be; the message is for whoever wrote the page."""


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponseBase:
    """GET shows the form; POST takes an address. The answer is the same for a known and an unknown one.

    A browser must send the form's token. A program without cookies has no session that another site could abuse, so it
    may post an address as it is.
    """
    is_browser = bool(request.COOKIES) or "Origin" in request.headers
    return ask_with_token(request) if is_browser else answer(request)


def answer(request: HttpRequest) -> HttpResponse:
    """The page, or what became of the wish."""
    try:
        organization = current_organization(request)
    except UnknownOrganization as error:
        return render(request, "members/unknown_organization.html", {"reason": str(error)}, status=404)
    if request.method != "POST":
        return form(request, organization, return_url=request.GET.get("return_url", ""))
    given = request.POST.get("email", "")
    return_url = request.POST.get("return_url", "")
    if return_url and not safe_return_url(return_url, organization):
        return form(
            request, organization, email=given, error=gettext("The return address must be on this site."), status=400
        )
    try:
        email = clean_address(given)
        data = data_of(request.POST.get("data", ""))
    except ValidationError as error:
        return form(request, organization, email=given, return_url=return_url, error=error.messages[0], status=400)
    except MalformedData as error:
        return form(request, organization, email=given, return_url=return_url, error=str(error), status=400)
    try:
        link = request_link(
            organization,
            email,
            return_url,
            timezone.now(),
            network=network_of(request),
            language=get_language() or "",
            data=data,
        )
    except TooManyRequests as error:
        refusal = form(request, organization, email=given, return_url=return_url, error=str(error), status=429)
        refusal.headers["Retry-After"] = str(error.wait_seconds)
        return refusal
    except QueueUnavailable:
        error_text = gettext("No mail can be sent at the moment. Nothing was lost; try again in a few minutes.")
        return form(request, organization, email=given, return_url=return_url, error=error_text, status=503)
    identify(request, email)
    request.session[ASKED] = str(link.pk)
    return check_inbox(request, organization, email, return_url)


ask_with_token = csrf_protect(answer)


def data_of(given: str) -> dict[str, Any]:
    """What the page that asks wants to find again.

    Raises:
        MalformedData: it is no short JSON object.
    """
    if not given:
        return {}
    try:
        data = json.loads(given) if len(given) <= LARGEST_DATA else None
    except (ValueError, RecursionError):
        data = None
    # NUL cannot be stored by every database.
    if not isinstance(data, dict) or "\\u0000" in given:
        raise MalformedData(f"The data must be a JSON object of at most {LARGEST_DATA} characters.")
    return data


def form(
    request: HttpRequest,
    organization: Organization,
    *,
    email: str = "",
    return_url: str = "",
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form, with what was typed and what was wrong with it."""
    return render(
        request,
        "members/magic_link.html",
        {"organization": organization, "email": email[:254], "return_url": return_url, "error": error},
        status=status,
    )


def check_inbox(
    request: HttpRequest, organization: Organization, email: str, return_url: str, *, error: str = "", status: int = 200
) -> HttpResponse:
    """Where to look for the link, and where to type the code."""
    return render(
        request,
        "members/check_inbox.html",
        {
            "organization": organization,
            "email": email,
            "return_url": return_url,
            "minutes": settings.MAGIC_LINK_MINUTES,
            "error": error,
        },
        status=status,
    )


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def validate(request: HttpRequest) -> HttpResponse:
    """GET shows a button, since mail scanners follow links; the button's POST uses the link up and signs in.

    The token is taken out of the address at once: it goes on in a cookie that this address alone is sent.
    """
    address = reverse("magic-links:validate")
    if request.method != "POST":
        in_address = request.GET.get(TOKEN_PARAMETER)
        token = given_token(request, COOKIE) if in_address is None else in_address
        link = find_live(token, timezone.now())
        if link is None:
            return gone(request, token)
        if in_address is not None:
            return without_token(address, COOKIE, token)
        return render(request, "members/validate.html", {"link": link})
    token = request.POST.get(TOKEN_PARAMETER) or given_token(request, COOKIE)
    used = use_link(token, timezone.now())
    if used is None:
        return drop_token(gone(request, token), address, COOKIE)
    return drop_token(signed_in(request, used), address, COOKIE)


@never_cache
@csrf_protect
@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """Sign in by the code of the link that this session asked for last."""
    asked = str(request.session.get(ASKED, ""))
    used = use_code(asked, request.POST.get("code", ""), timezone.now())
    if used is not None:
        return signed_in(request, used)
    link = MagicLink.objects.select_related("organization").filter(pk=asked).first() if asked else None
    if link is None:
        return gone(request, "")
    error = gettext(
        "This code does not fit, or no longer works. A few tries are all there are; the link works as well."
    )
    return check_inbox(request, link.organization, link.email, link.return_url, error=error, status=400)


@never_cache
@require_safe
def status(request: HttpRequest) -> JsonResponse:
    """Whether the link that this session asked for has signed it in, in another tab; where to go on then."""
    member = signed_in_member(request)
    asked = str(request.session.get(ASKED, ""))
    link = MagicLink.objects.filter(pk=asked).first() if asked and member is not None else None
    if member is None or link is None or link.used_at is None or link.email != member.email.lower():
        return JsonResponse({"authenticated": False})
    return JsonResponse({"authenticated": True, "next": link.return_url or reverse("members:home")})


def signed_in(request: HttpRequest, used: SignIn) -> HttpResponse:
    """Make this the member's session, with fresh profiles, and lead to where they wanted to go."""
    ensure_fresh_for_login(used.member)
    signing_in.send_robust(Member, member=used.member, request=request)
    sign_in(request, used.member)
    return redirect(used.return_url or "members:home")


def gone(request: HttpRequest, token: str) -> HttpResponse:
    """One answer for unknown, used, replaced and expired links: which it was is nobody's business."""
    return render(request, "members/link_gone.html", {"organization": organization_of(token)}, status=410)
