"""The page of a fault of ours. Django's own view has no request for its template."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseServerError
from django.template.loader import get_template

from allegro_queue.middleware import id_of


def something_broke(request: HttpRequest) -> HttpResponseServerError:
    """Words, and the id under which the log holds the error."""
    return HttpResponseServerError(get_template("500.html").render({"request_id": id_of(request)}))
