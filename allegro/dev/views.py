"""The other side, for a demo on one machine: a webhook receiver, and a source of member profiles. Local only."""

from __future__ import annotations

import zlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from allegro.audience.models import Member
from allegro.dev.models import ReceivedCall

MOST_KEPT = 50

LARGEST_BODY_BYTES = 64 * 1024

SHOWN_HEADERS = (
    "Content-Type",
    "User-Agent",
    "X-Allegro-Event",
    "X-Allegro-Event-Id",
    "X-Allegro-Delivery",
    "Webhook-Id",
    "Webhook-Timestamp",
    "Webhook-Signature",
)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def receiver(request: HttpRequest) -> HttpResponse:
    """POST keeps what a webhook sends; GET lists the latest."""
    if request.method != "POST":
        return render(
            request, "demo/receiver.html", {"calls": ReceivedCall.objects.all()[:MOST_KEPT], "most": MOST_KEPT}
        )
    if len(request.body) > LARGEST_BODY_BYTES:
        return HttpResponse("Too long; at most 64 KB.\n", status=413, content_type="text/plain")
    ReceivedCall.objects.create(
        event=request.headers.get("X-Allegro-Event", "")[:100],
        headers={name: request.headers[name] for name in SHOWN_HEADERS if name in request.headers},
        body=request.body.decode("utf-8", errors="replace"),
    )
    kept = ReceivedCall.objects.values_list("pk", flat=True)[:MOST_KEPT]
    ReceivedCall.objects.exclude(pk__in=list(kept)).delete()
    return HttpResponse("received\n", content_type="text/plain")


@never_cache
@require_safe
def crm(request: HttpRequest, email: str) -> JsonResponse:
    """A made-up profile of a member, always the same for one address."""
    if not Member.objects.filter(email__iexact=email).exists():
        return JsonResponse({"error": "There is no such person."}, status=404)
    number = zlib.crc32(email.lower().encode())
    return JsonResponse(
        {
            "level": ("reader", "supporter", "patron")[number % 3],
            "member_since": 2015 + number % 10,
            "gifts": number // 3 % 12,
            "answered_at": timezone.now().isoformat(timespec="seconds"),
        }
    )
