"""The form that asks for a link, and the page that a link leads to."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from allegro.audience.addresses import clean_address
from allegro.audience.freshness import ensure_fresh_for_login
from allegro.audience.sessions import identify, sign_in
from allegro.magic_links.jobs import TOKEN_PARAMETER
from allegro.magic_links.links import (
    TooManyRequests,
    find_live,
    organization_of,
    request_link,
    safe_return_url,
    use_link,
)
from allegro.organizations.current import UnknownOrganization, current_organization
from allegro.organizations.models import Organization
from allegro_queue.errors import QueueUnavailable


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
        return form(request, organization, email=given, error="The return address must be on this site.", status=400)
    try:
        email = clean_address(given)
    except ValidationError as error:
        return form(request, organization, email=given, return_url=return_url, error=error.messages[0], status=400)
    try:
        request_link(organization, email, return_url, timezone.now())
    except TooManyRequests as error:
        refusal = form(request, organization, email=given, return_url=return_url, error=str(error), status=429)
        refusal.headers["Retry-After"] = str(error.wait_seconds)
        return refusal
    except QueueUnavailable:
        error_text = "No mail can be sent at the moment. Nothing was lost; try again in a minute."
        return form(request, organization, email=given, return_url=return_url, error=error_text, status=503)
    identify(request, email)
    return render(
        request,
        "members/check_inbox.html",
        {
            "organization": organization,
            "email": email,
            "return_url": return_url,
            "minutes": settings.MAGIC_LINK_MINUTES,
        },
    )


ask_with_token = csrf_protect(answer)


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


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def validate(request: HttpRequest) -> HttpResponse:
    """GET shows a button, since mail scanners follow links; the button's POST uses the link up and signs in."""
    if request.method != "POST":
        token = request.GET.get(TOKEN_PARAMETER, "")
        link = find_live(token, timezone.now())
        if link is None:
            return gone(request, token)
        return render(request, "members/validate.html", {"token": token, "link": link})
    token = request.POST.get(TOKEN_PARAMETER, "")
    used = use_link(token, timezone.now())
    if used is None:
        return gone(request, token)
    ensure_fresh_for_login(used.member)
    sign_in(request, used.member)
    return redirect(used.return_url or "members:home")


def gone(request: HttpRequest, token: str) -> HttpResponse:
    """One answer for unknown, used, replaced and expired links: which it was is nobody's business."""
    return render(request, "members/link_gone.html", {"organization": organization_of(token)}, status=410)
