"""An address that calls go to: its credentials and proxy, and the classification of failures."""

from __future__ import annotations

import base64
import binascii
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pytest_ood.errors import ModelError
from pytest_ood.models._api.limits import retry_after
from pytest_ood.models._api.outcomes import (
    CallError,
    codes_in,
    load_body,
    load_json,
    one_line,
    words_in,
)
from pytest_ood.models._api.transport import (
    LARGEST_ANSWER,
    AnswerTooLargeError,
    ElsewhereError,
    NowhereError,
    UnreadableAnswerError,
    proxy_of,
    shown_target,
    unsendable,
)
from pytest_ood.utils.redaction import (
    Secret,
    Secrets,
    redacted_url,
    secrets_of_environment,
    secrets_of_url,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_ood.models._api.outcomes import Cause
    from pytest_ood.models._api.transport import Proxy

SECOND_DRAW = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same call may well succeed."""

THIS_MACHINE = ("localhost", "host.docker.internal", "host.containers.internal")
"""Names of this machine, and of a container's host."""

TOO_LONG = "context_length_exceeded"
"""The code of a prompt that is too long, in OpenAI's protocol."""

TOO_LONG_WORDS = (
    "maximum context length",
    "exceeds the available context size",
    "prompt is too long",
    "Input is too long",
    "exceeds the maximum number of tokens",
)
"""Parts of messages for it without a code: of vLLM, llama.cpp, Anthropic, Bedrock and Gemini."""

NO_QUOTA, NO_QUOTA_WORDS = "insufficient_quota", "credit balance is too low"
"""The code of an account without a quota in OpenAI's protocol, and Anthropic's words for it."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header of every request.

    Attributes:
        name: Its name.
        text: Its value, or the prefix of the variable's value.
        variable: The environment variable with the rest; None for none.
    """

    name: str
    text: str
    variable: str | None = None

    @property
    def value(self) -> str:
        """The value that is sent."""
        return self.text + (os.environ.get(self.variable, "") if self.variable else "")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address with its credentials.

    Attributes:
        owner: The start of error messages.
        url: The configured URL; its query may be a secret.
        key_name: The environment variable with the key; None if no key is sent.
        headers: Headers of every request, besides the key.
        wall: Returns seconds since the epoch; replaced in tests.
    """

    URL_OPTION: ClassVar[str] = "base_url"
    """The option with the URL, for messages."""

    owner: str
    url: str = field(repr=False)
    key_name: str | None = None
    headers: tuple[Header, ...] = ()
    wall: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    @property
    def base_url(self) -> str:
        """Scheme, host and path, which may be shown and stored."""
        return redacted_url(self.url)

    @property
    def shown(self) -> str:
        """The server, as messages name it."""
        return self.base_url

    @property
    def secrets(self) -> Secrets:
        """The key, secrets in headers and in the URL, and the credentials of proxies."""
        secrets = [
            Secret(name, value)
            for name in (self.key_name, *(header.variable for header in self.headers))
            if name is not None and (value := os.environ.get(name, "").strip())
        ]
        for header in self.headers:
            scheme, _, coded = header.value.strip().partition(" ")
            if header.variable and scheme.casefold() == "basic":
                with suppress(binascii.Error, ValueError):
                    pair = base64.b64decode(coded, validate=True).decode()
                    secrets += [Secret(header.variable, pair)]
                    secrets += [Secret(header.variable, pair.partition(":")[2])]
        environment = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        of_url = secrets_of_url("base_url", self.url)
        return Secrets(tuple(secrets)) | of_url | secrets_of_environment(environment)

    def redact(self, text: str) -> str:
        """Return a text without the secrets, which a server or a library may have repeated."""
        return self.secrets.redact(text)

    def check(self) -> None:
        """Check the credentials and the proxy, before any thread is started.

        Raises:
            ModelError: a key or a header is missing or invalid, or the proxy cannot be used.
        """
        if self.key_name is not None:
            self._check_variable(self.key_name, "a key", "or name another with `api_key`")
        for header in self.headers:
            if header.variable is not None:
                item = f"the header {header.name!r}"
                self._check_variable(header.variable, item, "or name another in `headers`")
        try:
            self._proxy()
        except ValueError as error:
            raise ModelError(f"{self.owner}: {self.redact(str(error))}") from None

    def _check_variable(self, name: str, item: str, otherwise: str) -> None:
        """Check that a variable is set and valid in a header, without showing its value."""
        value = os.environ.get(name, "")
        if not value.strip():
            raise ModelError(
                f"{self.owner}: {self.shown} needs {item}, and the environment variable {name} "
                f"is not set; set it, {otherwise}"
            )
        problem = unsendable(value)
        if problem is not None:
            raise ModelError(
                f"{self.owner}: {name} cannot be sent: {problem}; copy it again, as plain "
                "characters without anything around it"
            )

    @property
    def proxy(self) -> Proxy | None:
        """The proxy for the server, or None."""
        try:
            return self._proxy()
        except ValueError:
            return None

    def _proxy(self) -> Proxy | None:
        """Return the proxy for the server.

        Raises:
            ValueError: it cannot be used.
        """
        return proxy_of(self.url) if self.url else None

    @property
    def _through(self) -> str:
        """The proxy, as the end of a reason; "" without one."""
        proxy = self.proxy
        return "" if proxy is None else f", through {proxy}"

    def line(self, text: str) -> str:
        """Return a text without secrets, then on one line, then cut."""
        return one_line(self.redact(text))

    def error(
        self, reason: str, cause: Cause = "failed", tokens: tuple[int, int] | None = None
    ) -> CallError:
        """Return the error of a call, with a reason that may contain secrets."""
        return CallError(self.line(reason), cause, tokens=tokens)

    def parsed(self, content: bytes) -> Any:
        """Return the JSON of an answer.

        Raises:
            CallError: it is no JSON.
        """
        try:
            return load_json(content)
        except (ValueError, RecursionError):
            raise self.error("the answer is no JSON") from None

    def failure(
        self, error: BaseException, seconds: float, *, by_client: bool = False
    ) -> CallError:
        """Return the error of a call without a response.

        Args:
            error: The exception of the client.
            seconds: The time limit of the call.
            by_client: Whether the client refused the request itself.
        """
        links = {type(link): link for link in _chain(error)}
        unreachable = _connecting(error)
        late = isinstance(error, TimeoutError) or "Timeout" in type(error).__name__
        cause: Cause = "failed"
        if AnswerTooLargeError in links:
            cause = "too large"
            reason = f"the answer is larger than {LARGEST_ANSWER // 1024**2} MB, and was cut off"
        elif ElsewhereError in links:
            cause = "rejected"
            reason = (
                f"the server redirects to {links[ElsewhereError]}, another server, which is not "
                f"asked; write its URL as `{self.URL_OPTION}`"
            )
        elif NowhereError in links:
            cause = "rejected"
            reason = (
                f"the server redirects to {links[NowhereError]}, which is no URL; write the URL "
                f"that it has as `{self.URL_OPTION}`"
            )
        elif any(type(link).__name__ == "TooManyRedirects" for link in links.values()):
            cause = "rejected"
            reason = (
                f"the server redirects without end, at last to {_last_url(links.values())}; "
                f"write the URL that it has as `{self.URL_OPTION}`"
            )
        elif UnreadableAnswerError in links:
            reason = f"the answer cannot be read: {links[UnreadableAnswerError]}"
        elif unreachable:
            cause = "unreachable"
            reason = f"{'no connection in time' if late else _deepest(error)}{self._through}"
        elif late:
            reason = f"no answer within {seconds:g} s"
        elif by_client:
            cause, reason = "rejected", str(error)
        else:
            # Without the number of received bytes, so that equal errors are counted as equal.
            broke = re.sub(r" \(received [^)]*\)", "", _deepest(error))
            reason = f"the connection broke: {broke}"
        nothing_taken = cause in ("rejected", "unreachable")
        return self.error(reason, cause, (0, 0) if nothing_taken else None)

    def status_error(
        self,
        status: int,
        headers: Mapping[str, str],
        content: bytes,
        advice_on: Callable[[str], str] = lambda _: "",
    ) -> CallError:
        """Return the error of a call that was answered by an error status.

        Args:
            status: The HTTP status.
            headers: The headers of the answer; names in lower case, or a case-insensitive mapping.
            content: The body of the answer.
            advice_on: Returns what to do about the server's message if it shows a wrong setting,
                otherwise "".
        """
        body = load_body(content)
        words, codes = self.redact(words_in(body)), codes_in(body)
        shown = one_line(words)
        said = f"status {status}{self._through}" + (f": {shown}" if shown else "")
        cause: Cause = "rejected"
        wait = None
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            target = self.line(shown_target(headers.get("location", ""))) or "nowhere"
            said += (
                f": the server redirects to {target}; write the URL it has as `{self.URL_OPTION}`"
            )
        elif status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            cause = "refused"
            # A message about a wrong key may repeat parts of it.
            reported = said if status == HTTPStatus.FORBIDDEN else f"status {status}{self._through}"
            said = f"{reported}; {self._key_advice}"
        elif status == HTTPStatus.PAYMENT_REQUIRED or NO_QUOTA in codes or NO_QUOTA_WORDS in words:
            cause, said = "refused", f"the account has no quota left ({said})"
        elif TOO_LONG in codes or any(part in words for part in TOO_LONG_WORDS):
            cause = "too long"
            # Without the number of tokens, so that equal errors are counted as equal.
            said = f"the prompt does not fit the model's window (status {status})"
        elif advice := advice_on(words):
            said += f"; {advice}"
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in SECOND_DRAW:
            cause, wait = "failed", retry_after(headers, self.wall())
        return CallError(said, cause, status=status, wait=wait, tokens=(0, 0), words=words)

    @property
    def _key_advice(self) -> str:
        """The advice for a server that denies access."""
        names = [self.key_name, *(header.variable for header in self.headers)]
        sent = [name for name in names if name is not None]
        if not sent:
            return "no key was sent; name the variable of one with `api_key`"
        return f"check the key in {' and '.join(sent)}, and what it is allowed"

    def unreachable(self, error: CallError) -> str:
        """Return the message of a call that found no connection, with advice."""
        todo = f"Check `{self.URL_OPTION}`, and whether the server runs"
        if self.proxy is not None:
            host = urlsplit(self.url).hostname
            todo += f", and the proxy; NO_PROXY={host} does without the proxy"
        return f"{self.owner}: {self.shown} cannot be reached: {error.reason}. {todo}"


def is_this_machine(url: str) -> bool:
    """Return whether a URL leads to this machine, or to a container's host."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = _address(host)
    if address is not None:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return bool(mapped.is_loopback or mapped.is_unspecified)
    names = (*THIS_MACHINE, socket.gethostname().casefold())
    return host in names or host.endswith(".localhost")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is written as, in any notation; None for a name."""
    with suppress(ValueError):
        return ip_address(host)
    if re.fullmatch(r"[0-9a-fx.]*[0-9][0-9a-fx.]*", host) is None:
        return None
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))  # such as 127.1
    return None


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and its causes, the first cause last."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def _last_url(links: Iterable[BaseException]) -> str:
    """Return the URL of the last request, by the client's error."""
    for link in links:
        with suppress(AttributeError, RuntimeError):
            return shown_target(str(link.request.url))  # type: ignore[attr-defined]
    return "itself"


def _connecting(error: BaseException) -> bool:
    """Return whether a call failed before there was a connection."""
    # By name, as the classes are of httpx or of httpx2, depending on the client's version.
    names = {type(link).__name__ for link in _chain(error)}
    return bool(names & {"ConnectError", "ConnectTimeout", "UnsupportedProtocol", "ProxyError"})


def _deepest(error: BaseException) -> str:
    """Return the message of the first cause."""
    said = [str(link) for link in _chain(error) if str(link).strip()]
    return said[-1] if said else type(error).__name__
