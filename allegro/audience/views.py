"""The members' own pages: who is signed in, and signing out."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from allegro.audience.sessions import identified_as, sign_out, signed_in_member


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Who is signed in."""
    return render(
        request,
        "members/home.html",
        {"member": signed_in_member(request), "identified_as": identified_as(request)},
    )


@never_cache
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign the member out."""
    sign_out(request)
    return redirect("members:home")
