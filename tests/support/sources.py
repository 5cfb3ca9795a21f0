"""Outside sources of audience data, as real HTTP servers: a CRM that speaks JSON, and one that behaves like Mailchimp."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

Answer = Callable[[Request], Response]


class QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in."""

    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(kw_only=True)
class Source:
    """What both have in common: a list of what was asked, and answers that a test puts in front of the usual one."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    instead: list[Answer] = field(default_factory=list)
    """Answers to the next requests, one each."""
    always: Answer | None = None
    """Answer to all requests, while it is set."""
    at_once: int = 0
    """Requests under way."""
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        with self.lock:
            self.asked.append(Asked(request.path, request.query_string.decode(), dict(request.headers)))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            chosen = self.instead.pop(0) if self.instead else self.always or self.answer
        try:
            return chosen(request)(environ, start_response)
        finally:
            with self.lock:
                self.at_once -= 1

    def answer(self, request: Request) -> Response:
        raise NotImplementedError


@dataclass(kw_only=True)
class Crm(Source):
    """``/people/<address>`` is one profile with an ETag; ``/people?page=n`` is the list, page by page."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    token: str = ""
    """What the Authorization header must be, if anything."""
    page_size: int = 2
    most_per_second: int = 0
    """More requests than that in one second are answered 429, if it is set."""
    seconds: dict[int, int] = field(default_factory=dict)
    refused: int = 0
    rest: float = 0
    """Seconds that each request takes."""

    def answer(self, request: Request) -> Response:
        if self.token and request.headers.get("Authorization") != self.token:
            return Response("no", status=401)
        if self.most_per_second and not self.has_room():
            return Response("slow down", status=429, headers={"Retry-After": "1"})
        if self.rest:
            time.sleep(self.rest)
        email = unquote(request.path.removeprefix("/people").lstrip("/"))
        return self.person(request, email) if email else self.listing(request)

    def has_room(self) -> bool:
        second = int(time.time())
        with self.lock:
            self.seconds[second] = self.seconds.get(second, 0) + 1
            fits = self.seconds[second] <= self.most_per_second
            self.refused += not fits
        return fits

    def person(self, request: Request, email: str) -> Response:
        if email not in self.people:
            return Response("{}", status=404)
        body = json.dumps(self.people[email])
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers={"ETag": etag})
        return Response(body, content_type="application/json", headers={"ETag": etag})

    def listing(self, request: Request) -> Response:
        page = int(request.args.get("page", 1))
        rows = [{"email": email, **said} for email, said in sorted(self.people.items())]
        start = (page - 1) * self.page_size
        headers = {}
        if start + self.page_size < len(rows):
            headers["Link"] = f'</people?page={page + 1}>; rel="next"'
        body = json.dumps({"members": rows[start : start + self.page_size]})
        return Response(body, content_type="application/json", headers=headers)


@dataclass(kw_only=True)
class Mailchimp(Source):
    """Lists, members by the hash of their address, pages by count and offset, problems as JSON, ten at once."""

    key: str = "0123456789abcdef0123456789abcdef-us21"
    list_id: str = "a1b2c3d4e5"
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    largest_page: int = 1000

    def answer(self, request: Request) -> Response:
        wanted = "Basic " + base64.b64encode(f"allegro:{self.key}".encode()).decode()
        if request.headers.get("Authorization") != wanted:
            return self.problem(401, "API Key Invalid")
        if self.at_once > 10:
            return self.problem(429, "Too Many Requests")
        root = f"/3.0/lists/{self.list_id}"
        if request.path == root:
            return self.say({"id": self.list_id})
        if request.path == f"{root}/members":
            return self.listing(request)
        by_hash = {hashlib.md5(email.encode()).hexdigest(): email for email in self.members}
        email = by_hash.get(request.path.removeprefix(f"{root}/members/"))
        if email is None:
            return self.problem(404, "Resource Not Found")
        wanted_fields = request.args.get("fields", "").split(",")
        return self.say({name: value for name, value in self.row(email).items() if name in wanted_fields})

    def row(self, email: str) -> dict[str, Any]:
        return {"email_address": email, "status": "subscribed", "ip_opt": "192.0.2.1", **self.members[email]}

    def listing(self, request: Request) -> Response:
        count = min(int(request.args.get("count", 10)), self.largest_page)
        offset = int(request.args.get("offset", 0))
        wanted = [each.removeprefix("members.") for each in request.args.get("fields", "").split(",")]
        rows = [self.row(email) for email in sorted(self.members)][offset : offset + count]
        shown = [{name: value for name, value in row.items() if name in wanted} for row in rows]
        return self.say({"members": shown, "total_items": len(self.members)})

    def say(self, body: Any) -> Response:
        return Response(json.dumps(body), content_type="application/json")

    def problem(self, status: int, title: str) -> Response:
        body = {"title": title, "status": status, "detail": "", "type": "about:blank", "instance": ""}
        return Response(json.dumps(body), status=status, content_type="application/problem+json")


@contextmanager
def serving(source: Source) -> Iterator[None]:
    """The source at its ``url``, answering as many at once as ask."""
    server = make_server("127.0.0.1", 0, source, threaded=True, request_handler=QuietHandler)
    source.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def saying(status: int, body: str = "", **headers: str) -> Answer:
    """An answer that is always the same; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Response(body, status=status, headers=named)
