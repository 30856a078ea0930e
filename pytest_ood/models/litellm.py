"""Prompted models of every provider that LiteLLM reaches: Anthropic, Bedrock, Gemini and others."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import re
import sys
import warnings
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_ood.errors import ConfigurationError, ModelError, one_line, require, unknown_name
from pytest_ood.models._api.chat import OWN_FIELDS
from pytest_ood.models._api.chat_options import SEED_NEEDS, SEED_OPTION, chat_builder
from pytest_ood.models._api.completions import BROKEN_FINISHES, ChatEndpoint, has_system_message
from pytest_ood.models._api.endpoints import is_this_machine
from pytest_ood.models._api.exchanges import (
    CURRENT,
    PLACEHOLDER,
    Exchange,
    RecordingTransport,
    finished,
)
from pytest_ood.models._api.limits import MILLION, Prices
from pytest_ood.models._api.options import check_url, parse_headers, variable_name
from pytest_ood.models._api.outcomes import CallError, Reply, load_json
from pytest_ood.utils.redaction import Secret, Secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


__all__ = ["EXAMPLE", "SEED_NEEDS", "SEED_OPTION", "LiteLLMServer", "build"]

EXAMPLE = """\
[tool.pytest_ood.models.claude]
litellm = "anthropic/claude-haiku-4-5"     # the key is in $ANTHROPIC_API_KEY
prompt = "Review: {text}\\nSentiment:"
max_cost = 2.00                            # by LiteLLM's own list of prices
"""
"""An example of the configuration in pyproject.toml."""

PRICE_LIST = "model_prices_and_context_window_backup.json"
"""The file of LiteLLM's package with its list of prices."""

CONNECT_SECONDS = 10.0
"""Time limit of a connection; at most half of a call's."""

FINISH_SECONDS = 5.0
"""Time limit of what LiteLLM does after calls."""

REASON_SHOWN = 300
"""Characters of LiteLLM's own message that are shown."""

SETTINGS = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
"""Variables while LiteLLM is imported: it fetches no list of prices, and reads no file `.env`."""

LITELLMS_FIELDS = (
    *("api_base", "api_key", "base_url", "cache", "caching", "client", "custom_llm_provider"),
    *("context_window_fallback_dict", "extra_headers", "fallbacks", "headers", "max_retries"),
    *("mock_response", "mock_timeout", "mock_tool_calls", "no-log", "num_retries", "retry_policy"),
    "timeout",
)
"""Arguments of LiteLLM that are options of their own here, or that would make other calls."""

LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")

_KEYS = re.compile(r"(?:API_KEY|_TOKEN|_SECRET|ACCESS_KEY|ACCESS_KEY_ID|_PASSWORD)$")
"""Names of variables in which LiteLLM looks for credentials."""

_NAME_IN_A_MESSAGE = re.compile(r"^(?:litellm\.\w+: *)?(?:\w+(?:Error|Exception): *)*")


@dataclass(frozen=True, kw_only=True)
class LiteLLMServer(ChatEndpoint):
    """A provider that LiteLLM translates the protocol of.

    Attributes:
        url: The option `base_url`; "" for the provider's own.
    """

    @property
    def provider(self) -> str:
        """The name of the provider, which begins the name of the model."""
        return self.model.partition("/")[0]

    @property
    def secrets(self) -> Secrets:
        """The credentials of the options, and those of the environment that LiteLLM may read."""
        read = [Secret(name, value) for name, value in os.environ.items() if _KEYS.search(name)]
        return super().secrets | Secrets(tuple(read))

    @property
    def prices(self) -> Prices | None:
        """The prices in LiteLLM's list; None if it is not installed, or has none."""
        listed = _price_list()
        row = listed.get(self.model) or listed.get(self.model.partition("/")[2]) or {}
        if not str(row.get("litellm_provider", "")).startswith(self.provider):
            return None
        sent, answered, reasoned = (
            row.get(f"{kind}_token")
            for kind in ("input_cost_per", "output_cost_per", "output_cost_per_reasoning")
        )
        if sent is None or answered is None:
            return None
        return Prices(sent * MILLION, max(answered, reasoned or 0.0) * MILLION)

    @property
    def why_unpriced(self) -> str:
        """Why the prices are unknown, as the end of a message."""
        if _price_list():
            return f", as LiteLLM's list has none for {self.model!r}"
        return ', or LiteLLM, which has a list of prices: pip install "pytest-ood[litellm]"'

    @property
    def shown(self) -> str:
        """The server, as messages name it."""
        return self.base_url or self.provider

    def check(self) -> None:
        """Check LiteLLM and the credentials, before any thread is started.

        Raises:
            MissingDependencyError: LiteLLM is not installed.
            ModelError: there is no such provider, a credential is missing or invalid, or the proxy
                cannot be used.
        """
        litellm = imported(self.owner)
        providers = sorted(str(getattr(one, "value", one)) for one in litellm.provider_list)
        if self.provider not in providers:
            raise ModelError(f"{self.owner}: " + unknown_name("provider", self.provider, providers))
        super().check()
        if self.key_name is None and not self.has_free_access:
            missing = litellm.validate_environment(self.model).get("missing_keys", [])
            names = [name for name in missing if name.endswith("_API_KEY")]
            if names:
                raise ModelError(
                    f"{self.owner}: {self.provider} needs a key, and the environment variable "
                    f"{' or '.join(names)} is not set; set it, or name another with `api_key`"
                )

    @property
    def has_free_access(self) -> bool:
        """Whether no key is needed: the server is on this machine, or a header has a secret."""
        local = bool(self.url) and is_this_machine(self.url)
        return local or any(header.variable for header in self.headers)

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncIterator[Any]:
        """Open the clients that LiteLLM makes calls with, without retries of their own."""
        import httpx
        import openai

        connect = min(CONNECT_SECONDS, seconds / 2)
        shared: dict[str, Any] = {
            "key": None if self.key_name is None else os.environ[self.key_name],
            "headers": {header.name: header.value for header in self.headers},
            "query": urlsplit(self.url).query,
            "timeout": {"connect": connect, "read": seconds, "write": seconds, "pool": seconds},
        }
        # The client of OpenAI depends on `httpx` or on its successor, depending on its version.
        base = next(
            c for c in openai.DefaultAsyncHttpxClient.__mro__ if c.__name__ == "AsyncClient"
        )
        other = importlib.import_module(base.__module__.partition(".")[0])
        async with AsyncExitStack() as stack:
            opened = []
            for package, kind in (
                (httpx, httpx.AsyncClient),
                (other, openai.DefaultAsyncHttpxClient),
            ):
                transport: Any = RecordingTransport(httpx=package, **shared)
                client = kind(
                    transport=transport, timeout=seconds, follow_redirects=True, trust_env=False
                )
                opened.append(await stack.enter_async_context(client))
            stack.push_async_callback(_finish)
            yield _Clients(handler=_handler(opened[0]), openai=self._openai_client(opened[1]))

    def _openai_client(self, http: Any) -> Any:
        """Return OpenAI's client, which LiteLLM uses for OpenAI, Azure and some others."""
        import litellm
        import openai

        key = PLACEHOLDER if self._sends_key else None
        if self.provider == "azure":
            return openai.AsyncAzureOpenAI(
                api_key=key or PLACEHOLDER,
                azure_endpoint=self.base_url or os.environ.get("AZURE_API_BASE", ""),
                api_version=os.environ.get("AZURE_API_VERSION", litellm.AZURE_DEFAULT_API_VERSION),
                max_retries=0,
                http_client=http,
            )
        _, _, dynamic_key, dynamic_base = litellm.get_llm_provider(
            self.model, api_base=self.base_url or None, api_key=key
        )
        return openai.AsyncOpenAI(
            api_key=dynamic_key or key or os.environ.get("OPENAI_API_KEY") or PLACEHOLDER,
            base_url=self.base_url or dynamic_base,
            max_retries=0,
            http_client=http,
        )

    @property
    def _sends_key(self) -> bool:
        """Whether the transport puts a key in, or takes out the one that LiteLLM insists on."""
        return self.key_name is not None or self.has_free_access

    async def call(self, client: Any, body: Mapping[str, Any], seconds: float) -> Reply:
        """Make one call.

        Args:
            client: Open clients.
            body: The arguments of LiteLLM that are the question.
            seconds: Time limit of the whole call.

        Raises:
            CallError: there was no answer.
        """
        exchange = Exchange()
        token = CURRENT.set(exchange)
        result: Any = None
        failed: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                result = await self._complete(client, body, exchange)
        # LiteLLM may raise anything; all of it becomes the reason of this call's failure.
        except Exception as error:  # noqa: BLE001 - see above
            failed = error
        finally:
            CURRENT.reset(token)
        sent = self._sent(exchange)
        if isinstance(sent, Mapping) and {"choices", "error"} & sent.keys():
            # It is in OpenAI's form: nothing has to be translated.
            return self.completion(sent, scored="logprobs" in body)
        if failed is not None:
            return self._failed(failed, exchange, body, seconds)
        data = result.model_dump()
        if finish_of(sent) in BROKEN_FINISHES:
            data["choices"][0]["finish_reason"] = finish_of(sent)
        return self.completion(data, scored="logprobs" in body)

    def _sent(self, exchange: Exchange) -> Any:
        """Return the JSON of an answer as the server sent it; None for an error."""
        if exchange.error is not None or exchange.status != HTTPStatus.OK:
            return None
        return self.parsed(exchange.content)

    async def _complete(self, client: _Clients, body: Mapping[str, Any], exchange: Exchange) -> Any:
        """Return LiteLLM's result."""
        import litellm

        arguments: dict[str, Any] = {
            **body,
            "max_retries": 0,
            "num_retries": 0,
            "caching": False,
            "no-log": True,
        }
        if self.base_url:
            arguments["api_base"] = self.base_url
        if self._sends_key:
            arguments["api_key"] = PLACEHOLDER
        chosen = client.chosen
        try:
            return await finished(litellm.acompletion(**arguments, client=chosen), exchange)
        except Exception as error:
            # Which of its clients LiteLLM wants depends on the provider and on its version. With
            # the wrong one it fails before anything is sent.
            status = getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
            is_own = status == HTTPStatus.INTERNAL_SERVER_ERROR
            if exchange.sent or not is_own or chosen is client.openai:
                raise
        client.chosen = client.openai
        return await finished(litellm.acompletion(**arguments, client=client.chosen), exchange)

    def _failed(
        self, error: Exception, exchange: Exchange, body: Mapping[str, Any], seconds: float
    ) -> Reply:
        """Return the reply if a content filter stopped the model.

        Raises:
            CallError: for any other failure of a call.
        """
        kind = type(error).__name__
        status, headers, content = exchange.status, exchange.headers, exchange.content
        said = one_line(
            _NAME_IN_A_MESSAGE.sub("", str(error)).partition("Traceback")[0], REASON_SHOWN
        )
        if isinstance(error, TimeoutError) or exchange.error is not None:
            raise self.failure(exchange.error or error, seconds) from None
        if _redirects(error):
            raise self.failure(error, seconds) from None
        if not exchange.sent:
            # LiteLLM refused the call, or made it by another client.
            status = getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
            headers, content = {}, said.encode()
            lacking = _module_missing(error)
            if lacking:
                reason = f"LiteLLM needs the package {lacking!r} for it; run: pip install {lacking}"
                raise self.error(reason, "rejected", (0, 0))
        elif status is not None and status < HTTPStatus.MULTIPLE_CHOICES:
            raise self.error(f"LiteLLM cannot read the answer: {said}")
        if kind == "ContentPolicyViolationError":
            return Reply(text=said, declined=True, tokens=(0, 0))
        if kind == "ContextWindowExceededError":
            reason = f"the prompt does not fit the model's window (status {status})"
            raise self.error(reason, "too long", (0, 0))
        assert status is not None, "unreachable because a request was answered or failed"
        return self.refused(status, headers, content, system=has_system_message(body))

    async def explain(self, client: Any, error: CallError) -> str:
        """Return the message of a call's error, with advice."""
        del client
        if error.cause == "unreachable":
            return self.unreachable(error)
        hint = self.hint(error)
        if error.status == HTTPStatus.NOT_FOUND:
            hint = f". Check the name of the model, which LiteLLM asks {self.provider} for"
        elif "does not support parameters" in error.words:
            hint = ". Leave out the options that are sent as these"
        return f"{self.owner}: {self.shown}, model {self.model!r}: {error.reason}{hint}"


@dataclass(kw_only=True)
class _Clients:
    """The clients that LiteLLM makes calls with.

    Attributes:
        handler: LiteLLM's own.
        openai: OpenAI's.
        chosen: The one that it gets.
    """

    handler: Any
    openai: Any
    chosen: Any = field(init=False)

    def __post_init__(self) -> None:
        self.chosen = self.handler


def finish_of(data: Any) -> str:
    """Return why an answer in a provider's own form ends, as it writes that; "" if it does not.

    LiteLLM takes a reason that it does not know for the usual end.
    """
    if not isinstance(data, Mapping):
        return ""
    candidates = data.get("candidates")  # Gemini and Vertex
    if isinstance(candidates, list) and candidates and isinstance(candidates[0], Mapping):
        data = candidates[0]
    # Anthropic; Bedrock; Ollama; Gemini and Cohere
    for key in ("stop_reason", "stopReason", "done_reason", "finishReason", "finish_reason"):
        if isinstance(data.get(key), str):
            return str(data[key]).casefold()
    return ""


async def _finish() -> None:
    """Let LiteLLM's own tasks of finished calls end, which warn if the event loop ends first."""
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    for _ in range(2):
        await asyncio.sleep(0)
    with suppress(Exception):
        await asyncio.wait_for(GLOBAL_LOGGING_WORKER.flush(), FINISH_SECONDS)


def _handler(http: Any) -> Any:
    """Return LiteLLM's own client, built on ours."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    class Handler(AsyncHTTPHandler):  # type: ignore[misc]
        """Makes all calls by one client."""

        def create_client(self, *_: Any, **__: Any) -> Any:
            """Return the client."""
            return http

    return Handler()


def imported(owner: str) -> Any:
    """Return LiteLLM, imported without what it does by itself.

    Raises:
        MissingDependencyError: it is not installed.
    """
    is_first = "litellm" not in sys.modules
    # It adds the working directory to the path that modules are imported from.
    path = list(sys.path)
    others = {name: os.environ.get(name) for name in SETTINGS}
    os.environ.update(SETTINGS)
    # Warnings of its own code are no concern of the user, and would be errors under
    # `filterwarnings = error`. It imports parts of itself when they are first needed.
    warnings.filterwarnings("ignore", module=r"(litellm|pydantic)(\.|$)")
    try:
        litellm = require("litellm", extra="litellm", purpose=f"the prompted {owner}")
    finally:
        sys.path[:] = path
        for name, value in others.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
    if is_first:
        # Its own handlers write to the standard error of the moment; logs go to pytest instead.
        for name in LOGGERS:
            logging.getLogger(name).handlers.clear()
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm


@cache
def _price_list() -> Mapping[str, Mapping[str, Any]]:
    """Return LiteLLM's list of prices by models, without importing it; empty without it."""
    # The package takes seconds to be imported.
    found = importlib.util.find_spec("litellm")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder) / PRICE_LIST
        if path.is_file():
            rows: Mapping[str, Mapping[str, Any]] = load_json(path.read_bytes())
            return rows
    return {}


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an error and its causes."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def _redirects(error: BaseException) -> bool:
    """Return whether a call was redirected without end."""
    return any(type(link).__name__ == "TooManyRedirects" for link in _causes(error))


def _module_missing(error: BaseException) -> str:
    """Return the package whose absence made a call fail; "" for none."""
    missing = [link.name for link in _causes(error) if isinstance(link, ImportError) and link.name]
    return missing[-1].partition(".")[0] if missing else ""


def _connect(
    owner: str,
    model: str,
    base_url: str | None,
    api_key: str | None,
    headers: Mapping[str, str],
) -> LiteLLMServer:
    """Return the server of the options; no message repeats what could be a secret."""
    provider, _, name = model.strip().partition("/")
    if not provider or not name:
        raise ConfigurationError(
            f"{owner}: litellm = {model!r} names no provider and model; write both, such as "
            '"anthropic/claude-haiku-4-5"'
        )
    if base_url:
        check_url(owner, "base_url", base_url, "https://api.anthropic.com")
    example = f"{re.sub('[^A-Za-z0-9]', '_', provider).upper()}_API_KEY"
    named = variable_name(owner, api_key, example)
    own = parse_headers(owner, headers, key_named=named is not None)
    server = LiteLLMServer(
        owner=owner, model=model.strip(), url=base_url or "", key_name=named, headers=own
    )
    if named is None and not server.has_free_access and os.environ.get(example, "").strip():
        return LiteLLMServer(
            owner=owner, model=server.model, url=server.url, key_name=example, headers=own
        )
    return server


build = chat_builder(_connect, (*OWN_FIELDS, *LITELLMS_FIELDS))
