"""Staff without a password: asking for a link, and following it, which verifies the address too."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from allegro.accounts.sign_in import find_live, request_link, safe_next, use_link
from allegro.audience.addresses import clean_address
from allegro.client_address import network_of
from allegro.mailed_links import TOKEN_PARAMETER, TooManyRequests
from allegro.token_cookie import drop_token, given_token, without_token
from allegro_queue.errors import QueueUnavailable

COOKIE = "allegro_staff_token"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST takes an address. The answer is the same whether or not somebody has it."""
    if request.method != "POST":
        return form(request, next_url=request.GET.get("next", ""))
    given, next_url = request.POST.get("email", ""), request.POST.get("next", "")
    try:
        email = clean_address(given)
        request_link(
            email,
            safe_next(next_url),
            timezone.now(),
            network=network_of(request),
            language=get_language() or "",
        )
    except ValidationError as error:
        return form(request, email=given, next_url=next_url, error=error.messages[0], status=400)
    except TooManyRequests as error:
        refusal = form(request, email=given, next_url=next_url, error=str(error), status=429)
        refusal.headers["Retry-After"] = str(error.wait_seconds)
        return refusal
    except QueueUnavailable:
        error_text = gettext("No mail can be sent at the moment. Nothing was lost; try again in a few minutes.")
        return form(request, email=given, next_url=next_url, error=error_text, status=503)
    return render(request, "accounts/check_inbox.html", {"email": email, "minutes": settings.MAGIC_LINK_MINUTES})


def form(
    request: HttpRequest, *, email: str = "", next_url: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    """The form, with what was typed and what was wrong with it."""
    context = {"email": email[:254], "next_url": safe_next(next_url), "error": error}
    return render(request, "accounts/sign_in.html", context, status=status)


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest) -> HttpResponse:
    """GET shows a button; its POST uses the link up, signs in, and verifies the address."""
    address = reverse("accounts:link")
    if request.method != "POST":
        in_address = request.GET.get(TOKEN_PARAMETER)
        token = given_token(request, COOKIE) if in_address is None else in_address
        link = find_live(token, timezone.now())
        if link is None:
            return render(request, "accounts/sign_in_gone.html", status=410)
        if in_address is not None:
            return without_token(address, COOKIE, token)
        return render(request, "accounts/follow.html", {"link": link})
    used = use_link(given_token(request, COOKIE), timezone.now())
    if used is None:
        return drop_token(render(request, "accounts/sign_in_gone.html", status=410), address, COOKIE)
    login(request, used.user, backend=BACKEND)
    return drop_token(redirect(used.next_url or settings.LOGIN_REDIRECT_URL), address, COOKIE)
