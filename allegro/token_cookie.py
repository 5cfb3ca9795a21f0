"""Takes a one-time token out of the address bar: out of the history, of referers, and of what people copy.

It goes on in a cookie that scripts cannot read and one address alone is sent. A token is worth nothing by being seen
there: only a POST of the page's own form uses it.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from allegro.mailed_links import LONGEST_TOKEN

LIFE_SECONDS = 15 * 60


def without_token(address: str, name: str, token: str) -> HttpResponse:
    """Lead to the address without the token, which goes on in the cookie."""
    answer = HttpResponseRedirect(address)
    answer.set_cookie(
        name,
        token,
        max_age=LIFE_SECONDS,
        path=address,
        secure=not settings.IS_LOCAL,
        httponly=True,
        # Strict would leave it out on this very redirect, as the link was followed from a mail.
        samesite="Lax",
    )
    # The address that leads here holds the token.
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def given_token(request: HttpRequest, name: str) -> str:
    """The token in the cookie; empty when there is none."""
    token = request.COOKIES.get(name, "")
    return token if len(token) <= LONGEST_TOKEN else ""


def drop_token(answer: HttpResponse, address: str, name: str) -> HttpResponse:
    """The answer, with the cookie gone."""
    answer.delete_cookie(name, path=address, samesite="Lax")
    return answer
