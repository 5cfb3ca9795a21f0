"""Where a staff user's verification link leads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from allegro.accounts.verification import user_of


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, since mail scanners follow links; its POST verifies the address. Nobody is signed in by it."""
    user = user_of(token)
    if user is None:
        return render(request, "accounts/link_gone.html", status=410)
    if request.method != "POST":
        return render(request, "accounts/verify.html", {"account": user})
    user.verify_email(timezone.now())
    user.save(update_fields=["email_verified_at", "verified_email"])
    return render(request, "accounts/verified.html", {"account": user})
