"""Prompted models behind an OpenAI-compatible API; answers are parsed from the generated text."""

from __future__ import annotations

import asyncio
import importlib
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, require, unknown_name
from pytest_ood.models._api.chat_options import SEED_NEEDS, SEED_OPTION, chat_builder
from pytest_ood.models._api.completions import ChatEndpoint, has_system_message
from pytest_ood.models._api.endpoints import is_this_machine
from pytest_ood.models._api.options import check_url, parse_headers, variable_name
from pytest_ood.models._api.outcomes import load_json
from pytest_ood.models._api.transport import open_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from pytest_ood.models._api.outcomes import CallError, Reply

__all__ = ["EXAMPLE", "SEED_NEEDS", "SEED_OPTION", "OpenAIServer", "build"]

EXAMPLE = """\
[tool.pytest_ood.models.hosted]
prompted = "openai:gpt-4o-mini"     # the key is in $OPENAI_API_KEY
prompt = "Review: {text}\\nSentiment:"
max_requests = 2000
"""
"""An example of the configuration in pyproject.toml."""

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY_NAME = "OPENAI_API_KEY"
NO_KEY = "none"
"""The client's key. The real key is added below the client (see `transport`), and a server on this
machine needs none."""

CONNECT_SECONDS = 10.0
"""Time limit of a connection (at most half of a call's), and of the list of the server's models."""

MODELS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class OpenAIServer(ChatEndpoint):
    """A server with OpenAI's API, which the official client talks to."""

    prices: None = None
    why_unpriced: str = ""

    def check(self) -> None:
        """Check the client, the credentials and the proxy, before any thread is started.

        Raises:
            MissingDependencyError: the client is not installed.
            ModelError: a key or a header is missing or invalid, or the proxy cannot be used.
        """
        require("openai", extra="openai", purpose=f"the prompted {self.owner}")
        super().check()

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncIterator[Any]:
        """Open a client with a time limit per call, and without retries of its own."""
        import openai

        headers: dict[str, str | None] = {header.name: header.value for header in self.headers}
        names = {name.lower() for name in headers}
        if self.key_name is not None:
            headers["authorization"] = f"Bearer {os.environ[self.key_name]}"
        elif headers and "authorization" not in names:
            headers["authorization"] = None
        timeout = openai.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds / 2))
        # The package depends on the client's version: `httpx` or `httpx2`.
        base = next(
            c for c in openai.DefaultAsyncHttpxClient.__mro__ if c.__name__ == "AsyncClient"
        )
        httpx = importlib.import_module(base.__module__.partition(".")[0])
        transport: Any = open_transport(httpx, self.url, headers)
        async with openai.AsyncOpenAI(
            api_key=NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(transport=transport, timeout=timeout),
        ) as client:
            yield client

    async def call(self, client: Any, body: Mapping[str, Any], seconds: float) -> Reply:
        """Make one call.

        Args:
            client: An open client.
            body: The body of the request.
            seconds: Time limit of the whole call; the client's own limit is for each read.

        Raises:
            CallError: there was no answer.
        """
        import openai

        try:
            async with asyncio.timeout(seconds):
                raw = await client.chat.completions.with_raw_response.create(
                    model=body["model"],
                    messages=body["messages"],
                    extra_body={k: v for k, v in body.items() if k not in ("model", "messages")},
                )
        except openai.APIStatusError as error:
            response, system = error.response, has_system_message(body)
            return self.refused(
                response.status_code, response.headers, response.content, system=system
            )
        # The client may raise anything; all of it becomes the reason of this call's failure.
        except Exception as error:  # noqa: BLE001 - see above
            own = isinstance(error, openai.OpenAIError)
            by_client = own and not isinstance(error, openai.APIConnectionError)
            raise self.failure(error, seconds, by_client=by_client) from None
        answer = self.parsed(raw.http_response.content)
        return self.completion(answer, scored="logprobs" in body)

    async def models(self, client: Any) -> list[str]:
        """Return the names of the server's models; empty if they are not available."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                raw = await client.models.with_raw_response.list()
            rows = load_json(raw.http_response.content)["data"]
            return sorted({self.line(str(row["id"])) for row in rows})
        # Without the list, whatever the reason, the message has one hint less.
        except Exception:  # noqa: BLE001 - see above
            return []

    async def explain(self, client: Any, error: CallError) -> str:
        """Return the message of a call's error, with advice."""
        if error.cause == "unreachable":
            return self.unreachable(error)
        hint = self.hint(error)
        if error.status == HTTPStatus.NOT_FOUND:
            names = await self.models(client)
            if names and self.model not in names:
                near = names if len(names) <= MODELS_SHOWN else _nearest(self.model, names)
                hint = ". " + unknown_name("model", self.model, near)
            else:
                hint = (
                    f". Either it has no model {self.model!r}, or `base_url` is not that of an "
                    "OpenAI-compatible API (most end in /v1)"
                )
        return f"{self.owner}: {self.base_url}, model {self.model!r}: {error.reason}{hint}"


def _nearest(name: str, names: list[str]) -> list[str]:
    """Return the names that resemble this one most."""
    return get_close_matches(name, names, n=MODELS_SHOWN, cutoff=0.0)


def _connect(
    owner: str,
    model: str,
    base_url: str | None,
    api_key: str | None,
    headers: Mapping[str, str],
) -> OpenAIServer:
    """Return the server of the options; no message repeats what could be a secret."""
    if not model.strip():
        raise ConfigurationError(f"{owner}: the model has no name; write the one the server knows")
    url = base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or DEFAULT_BASE_URL
    check_url(owner, "base_url", url, DEFAULT_BASE_URL)
    named = variable_name(owner, api_key, DEFAULT_KEY_NAME)
    own = parse_headers(owner, headers, key_named=named is not None)
    let_in = is_this_machine(url) or any(header.variable for header in own)
    key_name = named or (None if let_in else DEFAULT_KEY_NAME)
    return OpenAIServer(owner=owner, model=model, url=url, key_name=key_name, headers=own)


build = chat_builder(_connect)
