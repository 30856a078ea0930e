"""The HTTP exchange of a call that a library makes: what was sent and came, below the library.

A library that translates between providers hides the answer of a server, may repeat a request by
itself, and has the key in its messages. Its clients are built on the transport of this module,
which keeps the answer, sends a request once, and alone has the key.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pytest_ood.models._api.transport import ElsewhereError, Transport, open_transport, origin_of
from pytest_ood.utils.redaction import redacted_url

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

T = TypeVar("T")

PLACEHOLDER = "key-of-pytest-ood"
"""The key that a library gets; the transport puts the real one in its place."""


class NotSentError(Exception):
    """A request that was not sent, or a call that broke; the exchange has the reason."""


@dataclass(kw_only=True)
class Exchange:
    """The requests of one call, and the last answer.

    Attributes:
        sent: The method and the URL of each request.
        status: The status of the last answer; None before it.
        headers: Its headers.
        content: Its body.
        error: The error of the last request; None if it was answered.
        is_over: Whether the call was given up, so that no request is sent any more.
    """

    sent: list[tuple[str, str]] = field(default_factory=list)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    error: Exception | None = None
    is_over: bool = False

    @property
    def is_redirected(self) -> bool:
        """Whether the last answer was a redirection."""
        status = self.status or 0
        return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


CURRENT: ContextVar[Exchange | None] = ContextVar("pytest_ood_exchange", default=None)
"""The exchange of the call that the running task makes."""


async def finished(call: Coroutine[Any, Any, T], exchange: Exchange) -> T:
    """Await a call of a library; on cancellation, the call ends first, and sends nothing more.

    A library that prepares a request on a thread leaves a coroutine behind if it is cancelled
    meanwhile, and Python warns that it was never awaited.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        exchange.is_over = True
        if exchange.sent:
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


@dataclass(frozen=True, kw_only=True)
class RecordingTransport:
    """Sends a library's requests, and records them in the exchange of the running task.

    Attributes:
        httpx: The package that the client is built on: `httpx`, or its successor.
        key: The key; None for none.
        headers: Further headers of every request.
        query: A query string that is added to every request.
        timeout: Seconds of a request by their kinds, as httpx has them.
    """

    httpx: Any = field(repr=False)
    key: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    query: str = field(repr=False)
    timeout: Mapping[str, float]
    _transports: dict[tuple[str, str, int | None], Transport] = field(
        default_factory=dict, repr=False
    )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request, and return the whole answer.

        Raises:
            NotSentError: the call broke, or the library repeats a request or is redirected to
                another server; the exchange has the error.
        """
        exchange = CURRENT.get() or Exchange()
        try:
            answer = await self._answer(request, exchange)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason of the call
            exchange.error = error
            # By an error of its own, since libraries send a request again after some of httpx's.
            raise NotSentError(type(error).__name__) from None
        exchange.status, exchange.headers = answer.status_code, answer.headers
        exchange.content = answer.content
        return answer

    async def _answer(self, request: Any, exchange: Exchange) -> Any:
        """Send a request, unless the library repeats it or is redirected to another server."""
        url = str(request.url)
        if exchange.is_over:
            raise NotSentError("the call was given up")
        if exchange.sent and origin_of(url) != origin_of(exchange.sent[0][1]):
            raise ElsewhereError(redacted_url(url))
        if (request.method, url) in exchange.sent and not exchange.is_redirected:
            # The error after which the library repeats the request is the error of the call.
            raise exchange.error or NotSentError("the library repeats a request")
        exchange.sent.append((request.method, url))
        exchange.error = None
        return await self._transport(url).handle_async_request(self._with_key(request))

    def _transport(self, url: str) -> Transport:
        """Return the transport to the server of a URL."""
        origin = origin_of(url)
        if origin not in self._transports:
            scheme, host, port = origin
            address = f"[{host}]" if ":" in host else host
            base = f"{scheme}://{address}:{port}" + (f"/?{self.query}" if self.query else "")
            self._transports[origin] = open_transport(self.httpx, base, self.headers)
        return self._transports[origin]

    def _with_key(self, request: Any) -> Any:
        """Return a request with the real key, or without any if there is none."""
        headers = request.headers.copy()
        for name, value in request.headers.items():
            if PLACEHOLDER in value:
                headers.pop(name, None)
                if self.key is not None:
                    headers[name] = value.replace(PLACEHOLDER, self.key)
        query = request.url.query.replace(PLACEHOLDER.encode(), (self.key or "").encode())
        return self.httpx.Request(
            request.method,
            request.url.copy_with(query=query or None),
            headers=headers,
            stream=request.stream,
            extensions={**request.extensions, "timeout": dict(self.timeout)},
        )
