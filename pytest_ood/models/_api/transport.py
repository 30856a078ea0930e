"""HTTP transport to a server: proxies, credentials, and a limit on the size of answers.

Credentials are added to a request below the client, so that no exception, log record or stack frame
of the client contains them.
"""

from __future__ import annotations

import importlib.util
import os
import re
import unicodedata
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pytest_ood.utils.redaction import redacted_url

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_ANSWER = 4 * 1024**2
"""The maximum size of an answer in bytes, decompressed."""

MOST_MEMBERS = 1000
"""The most members of a gzip answer."""

MOST_CONNECTIONS, MOST_IDLE_CONNECTIONS = 1000, 100
"""The most connections to a server, and the most that are kept open between calls."""

_HOST = re.compile(r"[a-z0-9._~:-]+")
_GZIP = b"\x1f\x8b"

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")

READ_HEADERS = ("content-type", "date", "location", "retry-after", "retry-after-ms")
"""The headers of an answer that are passed on; the others may contain secrets."""

_ENCODINGS = {"": None, "identity": None, "gzip": 31, "x-gzip": 31, "deflate": 47}
"""Content encodings, and their `wbits` for `zlib`."""


class AnswerTooLargeError(Exception):
    """An answer of more than `LARGEST_ANSWER` bytes."""


class UnreadableAnswerError(Exception):
    """An answer in an unexpected encoding, or a damaged one."""


class NowhereError(Exception):
    """A redirection to an invalid URL."""


class ElsewhereError(Exception):
    """A redirection to another server, which must get neither key nor texts."""


@dataclass(frozen=True)
class Proxy:
    """The proxy that a server is asked through.

    Attributes:
        url: With its credentials.
        variable: The environment variable that names it; "" for the system's settings.
    """

    url: str = field(repr=False)
    variable: str

    def __str__(self) -> str:
        source = f"${self.variable}" if self.variable else "the system's settings"
        return f"the proxy {redacted_url(self.url)} ({source})"


def proxy_of(url: str) -> Proxy | None:
    """Return the proxy that the environment has for a URL, if any.

    Raises:
        ValueError: it cannot be used; the message names it, its variable and what to do.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    scheme = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    if scheme is None or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    name = f"{scheme}_proxy"
    variable = next((one for one in (name, name.upper()) if os.environ.get(one)), "")
    configured = proxies[scheme]
    proxy = Proxy(configured if "://" in configured else f"http://{configured}", variable)
    without = (
        f"correct ${variable or name.upper()}, or set NO_PROXY={parts.hostname} to do without it"
    )
    try:
        written = urlsplit(proxy.url)
        valid = bool(written.hostname) and written.port != 0
    except ValueError:
        valid = False
    if not valid:
        # What is no URL cannot be shown without what may be a password.
        raise ValueError(f"the proxy of ${variable or name.upper()} is no URL; {without}")
    if written.scheme not in PROXY_SCHEMES:
        raise ValueError(
            f"{proxy} has the scheme {written.scheme!r}, not one of {', '.join(PROXY_SCHEMES)}; "
            f"{without}"
        )
    if written.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ValueError(
            f"{proxy} needs the package 'socksio', which is not installed. Run: pip install "
            f"socksio; or {without}"
        )
    return proxy


@dataclass(frozen=True, kw_only=True)
class Transport:
    """Sends a client's requests.

    Attributes:
        httpx: The package that the client is built on: `httpx`, or its successor.
        inner: The transport that sends the requests.
        origin: Scheme, host and port of the server; requests to others are refused.
        headers: Headers of every request, which replace the client's; None removes one.
        query: A query string that is added to every request.
    """

    httpx: Any = field(repr=False)
    inner: Any = field(repr=False)
    origin: tuple[str, str, int | None]
    headers: Mapping[str, str | None] = field(repr=False)
    query: str = field(repr=False)

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.inner.__aexit__(*error)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.inner.aclose()

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request, and return the whole answer.

        Raises:
            AnswerTooLargeError: it is longer than `LARGEST_ANSWER`.
            UnreadableAnswerError: its encoding is unexpected, or it is damaged.
            ElsewhereError: the request was redirected to another server.
            NowhereError: it is redirected to an invalid URL.
        """
        url = request.url
        if origin_of(str(url)) != self.origin:
            raise ElsewhereError(redacted_url(str(url)))
        if self.query:
            url = url.copy_with(query=b"&".join(filter(None, [url.query, self.query.encode()])))
        headers = request.headers.copy()
        headers["accept-encoding"] = "identity"
        for name, value in self.headers.items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = value
        sent = self.httpx.Request(
            request.method,
            url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        answer = await self.inner.handle_async_request(sent)
        try:
            content = await _content(answer)
        finally:
            await answer.aclose()
        location = answer.headers.get("location", "")
        if location and HTTPStatus.MULTIPLE_CHOICES <= answer.status_code < HTTPStatus.BAD_REQUEST:
            try:
                target = urlsplit(str(request.url.join(location)))
                valid = target.port != 0 and _HOST.fullmatch(target.hostname or "") is not None
            except (self.httpx.InvalidURL, ValueError):
                valid = False
            if not valid:
                raise NowhereError(shown_target(location))
        headers = {name: answer.headers[name] for name in READ_HEADERS if name in answer.headers}
        # Without the reason phrase of the status, which the client would log.
        return self.httpx.Response(answer.status_code, headers=headers, content=content)


async def _content(answer: Any) -> bytes:
    """Return an answer's bytes, decoded."""
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnreadableAnswerError(f"encoded as {encoding!r}, which was not asked for")
    bits = _ENCODINGS[encoding]
    sent = bytearray()
    async for chunk in answer.stream:
        sent += chunk
        if len(sent) > LARGEST_ANSWER:
            raise AnswerTooLargeError
    if bits is None:
        return bytes(sent)
    try:
        return _decompressed(bytes(sent), bits)
    except zlib.error as error:
        raise UnreadableAnswerError(f"damaged {encoding}") from error


def _decompressed(data: bytes, bits: int) -> bytes:
    """Return decompressed data, of one member or of several consecutive ones (gzip).

    Raises:
        AnswerTooLargeError: it is longer than `LARGEST_ANSWER`.
        zlib.error: it is damaged.
    """
    parts, size, members = [], 0, 0
    while data and (not members or data.startswith(_GZIP)):
        decoder = zlib.decompressobj(bits)
        part = decoder.decompress(data, LARGEST_ANSWER + 1 - size)
        size, members = size + len(part), members + 1
        # The rest of the data is copied for each member, so that their number is limited, too.
        if size > LARGEST_ANSWER or members > MOST_MEMBERS:
            raise AnswerTooLargeError
        parts.append(part)
        data = decoder.unused_data
    return b"".join(parts)


def shown_target(location: str) -> str:
    """Return the part of a redirection's target that may be shown, even if it is no valid URL."""
    try:
        return redacted_url(location)
    except ValueError:
        return location.partition("?")[0].partition("#")[0].rpartition("@")[2]


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", usual if parts.port is None else parts.port


def open_transport(httpx: Any, url: str, headers: Mapping[str, str | None]) -> Transport:
    """Return a transport to a server, through the proxy that the environment has for it.

    Args:
        httpx: The package that the client is built on: `httpx`, or its successor.
        url: Of the server; its query goes with every request.
        headers: Added to every request; None removes one.

    Raises:
        ValueError: the proxy cannot be used.
    """
    proxy = proxy_of(url)
    inner = httpx.AsyncHTTPTransport(
        proxy=None if proxy is None else httpx.Proxy(proxy.url),
        limits=httpx.Limits(
            max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_IDLE_CONNECTIONS
        ),
    )
    return Transport(
        httpx=httpx, inner=inner, origin=origin_of(url), headers=headers, query=urlsplit(url).query
    )


def unsendable(value: str) -> str | None:
    """Return which character of a value is invalid in a header, without the value; or None."""
    for number, character in enumerate(value, start=1):
        edge = character == " " and number in (1, len(value))
        if edge or not " " <= character <= "~":
            return f"character {number} of {len(value)} is {_name_of(character)}"
    return None


def _name_of(character: str) -> str:
    controls = {"\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\t": "TAB", "\0": "NULL"}
    name = unicodedata.name(character, controls.get(character, "a control character"))
    return f"{name} (U+{ord(character):04X})"
