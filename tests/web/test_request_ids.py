"""The id that an answer, its page and the log have in common."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path

from allegro.urls import handler500 as handler500
from allegro.urls import mounted
from allegro_queue.json_log import JsonFormatter
from allegro_queue.middleware import RequestIds, id_of
from allegro_queue.request_ids import request_of_now

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.test_request_ids")]


def broken(request: HttpRequest) -> HttpResponse:
    raise DatabaseError("out of order")


def breaks_while_sent(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield str(request_of_now()["request_id"])
        raise DatabaseError("out of order")

    return StreamingHttpResponse(parts())


async def breaks_while_sent_later(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield str(request_of_now()["request_id"])
        raise DatabaseError("out of order")

    return StreamingHttpResponse(parts())


def broken_middleware(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        raise DatabaseError("out of order")

    return answer


urlpatterns = [
    *mounted(local=False),
    path("broken/", broken),
    path("breaks-while-sent/", breaks_while_sent),
    path("breaks-while-sent-later/", breaks_while_sent_later),
]


@pytest.fixture
def breaking() -> Client:
    return Client(raise_request_exception=False)


def test_each_answer_has_an_id_of_its_own(client: Client) -> None:
    first, second = (client.get("/up").headers["X-Request-ID"] for _ in range(2))

    assert first != second
    assert len(first) == len(second) == 32


@pytest.mark.parametrize("given", ["a1b2c3", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "x" * 64])
def test_the_id_of_a_proxy_is_kept(client: Client, given: str) -> None:
    assert client.get("/up", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", "<b>", "a\tb", "níl", "a\n"])
def test_what_is_not_fit_to_be_shown_and_logged_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/up", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"].isalnum()
    assert len(answer.headers["X-Request-ID"]) == 32


def test_an_error_s_page_its_header_and_its_line_in_the_log_have_the_same_id(
    breaking: Client, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        answer = breaking.get("/broken/", headers={"X-Request-ID": "from-the-proxy"})
    finally:
        logger.removeHandler(handler)

    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "from-the-proxy")
    assert "Request id: <code>from-the-proxy</code>" in answer.content.decode()
    assert json.loads(lines[0])["request_id"] == "from-the-proxy"
    # As a plain line, too, whatever its format.
    assert caplog.text.rstrip().endswith("DatabaseError: out of order\nrequest id from-the-proxy")


@pytest.mark.parametrize("make", [Client, AsyncClient])
def test_a_middleware_that_breaks_leaves_the_id_in_a_plain_log_once(
    make: type[Client] | type[AsyncClient], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MIDDLEWARE = ["allegro_queue.middleware.RequestIds", f"{__name__}.broken_middleware"]

    answer = make(raise_request_exception=False).get("/up", headers={"X-Request-ID": "from-the-proxy"})
    if not isinstance(answer, HttpResponseBase):
        answer = asyncio.run(answer)

    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "from-the-proxy")
    assert caplog.text.rstrip().endswith("DatabaseError: out of order\nrequest id from-the-proxy")


def test_an_answer_that_breaks_while_it_is_sent_belongs_to_its_request_up_to_the_error(client: Client) -> None:
    answer = client.get("/breaks-while-sent/", headers={"X-Request-ID": "one"})
    assert isinstance(answer, StreamingHttpResponse)
    parts = iter(answer.streaming_content)

    assert next(parts) == b"one"
    assert request_of_now() == {}
    with pytest.raises(DatabaseError) as caught:
        next(parts)

    assert caught.value.__notes__ == ["request id one"]


def test_an_asynchronous_answer_that_breaks_while_it_is_sent_does_so_too() -> None:
    async def read() -> list[bytes]:
        answer = await AsyncClient().get("/breaks-while-sent-later/", headers={"X-Request-ID": "one"})
        found = []
        with pytest.raises(DatabaseError) as caught:
            async for part in answer.streaming_content:
                found.append(part)
                assert request_of_now() == {}
        assert caught.value.__notes__ == ["request id one"]
        return found

    assert asyncio.run(read()) == [b"one"]


def test_a_file_is_left_to_the_server_to_send(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"all of it")

    answer = RequestIds(lambda request: FileResponse(file.open("rb")))(RequestFactory().get("/"))

    assert isinstance(answer, FileResponse)
    with answer.file_to_stream as found:
        assert found.read() == b"all of it"


def test_after_the_answer_lines_of_the_process_have_no_id(client: Client) -> None:
    client.get("/up")

    assert request_of_now() == {}


def test_under_asgi_an_answer_has_the_id_of_its_own_request() -> None:
    async def ids() -> list[str]:
        client = AsyncClient(raise_request_exception=False)
        answers = await asyncio.gather(
            *(client.get("/broken/", headers={"X-Request-ID": f"number-{n}"}) for n in range(3))
        )
        return [answer.content.decode().partition("<code>")[2].partition("<")[0] for answer in answers]

    assert asyncio.run(ids()) == ["number-0", "number-1", "number-2"]


def test_an_asynchronous_chain_stays_one() -> None:
    async def answer(request: HttpRequest) -> HttpResponseBase:
        return HttpResponse(f"{id_of(request)} {request_of_now()['request_id']}")

    async def ask() -> HttpResponseBase:
        found = RequestIds(answer)(RequestFactory().get("/", headers={"X-Request-ID": "one"}))
        assert not isinstance(found, HttpResponseBase)
        return await found

    response = asyncio.run(ask())
    assert isinstance(response, HttpResponse)
    assert (response.content, response["X-Request-ID"]) == (b"one one", "one")
