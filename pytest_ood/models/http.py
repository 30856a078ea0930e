"""A service of your own: a JSON request with the text, and the path to the answer in its JSON."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import ConfigurationError, ModelError, one_line, require, unknown_name
from pytest_ood.models._answers import AnswerReader
from pytest_ood.models._api.asking import Question
from pytest_ood.models._api.endpoints import Endpoint
from pytest_ood.models._api.limits import Prices
from pytest_ood.models._api.options import (
    Limits,
    check_numbers,
    check_request,
    check_url,
    parse_headers,
    variable_name,
)
from pytest_ood.models._api.outcomes import CallError, Reply
from pytest_ood.models._api.remote import RemoteModel
from pytest_ood.models._api.services import AnswerPath, filled, request_fields
from pytest_ood.models._api.transport import open_transport
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.tasks import Prediction, reading_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context

EXAMPLE = """\
[tool.pytest_ood.models.service]
http = { url = "https://example.com/classify", request = { text = "{text}" }, answer = "label" }
fingerprint = "2026-10"             # the version of what runs there
max_requests = 2000
"""
"""An example of the configuration in pyproject.toml."""

KEYS = ("url", "request", "answer")
"""The keys of the table."""

EXAMPLE_URL = "https://example.com/classify"

CONNECT_SECONDS = 10.0
"""Time limit of a connection; at most half of a call's."""

READING = 1
"""The version of the rules that read an answer. It is part of fingerprints and raised with the
rules, so that stored answers were read by the current ones."""

REASON_SHOWN = 600
"""Characters of a reason that are shown."""


@dataclass(frozen=True, kw_only=True)
class Service(Endpoint):
    """A service that takes and sends JSON.

    Attributes:
        path: The path to the answer.
        reader: Reads answers, to check them.
    """

    URL_OPTION: ClassVar[str] = "url"

    path: AnswerPath
    reader: AnswerReader
    model: str = ""

    def check(self) -> None:
        """Check the client, the credentials and the proxy, before any thread is started.

        Raises:
            MissingDependencyError: the client is not installed.
            ModelError: a key or a header is missing or invalid, or the proxy cannot be used.
        """
        require("httpx", extra="http", purpose=f"the service of {self.owner}")
        super().check()

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncIterator[Any]:
        """Open a client with a time limit per call, and without retries of its own."""
        import httpx

        headers: dict[str, str | None] = {header.name: header.value for header in self.headers}
        if self.key_name is not None:
            headers["authorization"] = f"Bearer {os.environ[self.key_name]}"
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds / 2))
        transport: Any = open_transport(httpx, self.url, headers)
        async with httpx.AsyncClient(
            transport=transport, timeout=timeout, follow_redirects=True, trust_env=False
        ) as client:
            yield client

    async def call(self, client: Any, body: Mapping[str, Any], seconds: float) -> Reply:
        """Make one call; the text of the reply is the answer as JSON.

        Args:
            client: An open client.
            body: The request, under the key "request".
            seconds: Time limit of the whole call; the client's own limit is for each read.

        Raises:
            CallError: there was no answer, or an invalid one.
        """
        try:
            async with asyncio.timeout(seconds):
                response = await client.post(self.base_url, json=body["request"])
        # The client may raise anything; all of it becomes the reason of this call's failure.
        except Exception as error:  # noqa: BLE001 - see above
            raise self.failure(error, seconds) from None
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise self.status_error(response.status_code, response.headers, response.content)
        data = self.parsed(response.content)
        try:
            value = self.path.value(data, self.redact)
            read(self.reader, value)
        except (ValueError, TypeError, LookupError, ModelError) as error:
            reason = str(error.args[0] if error.args else error)
            # The message of a call's error begins with the model.
            reason = reason.removeprefix(f"{self.owner}: ")
            reason = re.sub(rf"^{re.escape(self.owner)} ", "it ", reason)
            shown = one_line(self.redact(reason), REASON_SHOWN)
            # Another call would be answered the same.
            raise CallError(shown, "rejected", tokens=(0, 0)) from None
        return Reply(text=json.dumps(value), tokens=(0, 0))

    async def explain(self, client: Any, error: CallError) -> str:
        """Return the message of a call's error, with advice."""
        del client
        if error.cause == "unreachable":
            return self.unreachable(error)
        hint = ". Check `url`" if error.status == HTTPStatus.NOT_FOUND else ""
        return f"{self.owner}: {self.base_url}: {error.reason}{hint}"


def read(reader: AnswerReader, value: Any) -> Prediction:
    """Return the prediction that a value of JSON is.

    Args:
        reader: Reads answers.
        value: A label, a class index, probabilities by label or in the order of the labels, a list
            of objects with `label` and `score`, or null for an abstention.

    Raises:
        ModelError: it is none of these, or names another label.
        ValueError: a probability is no finite number.
    """
    if isinstance(value, str) and reader.labels:
        return Prediction(reader.label_of(value))
    prediction = reader.read(value)
    if not all(map(math.isfinite, prediction.scores.values())):
        raise ValueError(f"the answer has probabilities that are not finite: {json.dumps(value)}")
    for label in prediction.scores:
        reader.label_of(label)
    return prediction


@dataclass(frozen=True, kw_only=True)
class HttpModel(RemoteModel):
    """A service that gets one request for each input.

    Attributes:
        server: The service.
        request: The template of the request.
        version: The version of what runs there, which the user changes with the answers.
    """

    server: Service
    request: Any
    version: str | None = None

    @property
    def source(self) -> str:
        """The address of the service."""
        return self.server.base_url

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Request and answer."""
        headers = {h.name: h.text for h in self.server.headers if h.variable is None}
        names = dict(self.server.reader.label_names)
        return {
            "request": self.request,
            "answer": self.server.path.text,
            **({"labels": names} if names else {}),
            **({"headers": headers} if headers else {}),
            **({} if self.version is None else {"fingerprint": self.version}),
        }

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the address, the request, the path to the answer, and the user's version.

        A service may change at the same address, which cannot be detected.
        """
        rest = [self.source, self.parameters, list(self.task.labels), self.task.name, READING]
        rest += filter(None, [reading_of(self.task)])
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()

    def question(self, inputs: Inputs, number: int = 0) -> Question:
        """Return the request for an input."""
        del number
        return Question(body={"request": filled(self.request, inputs)}, size=0, completion=0)

    def prediction(self, inputs: Inputs, replies: Sequence[Reply]) -> Prediction:
        """Return the prediction for an input from the answer of the service."""
        del inputs
        value = json.loads(replies[0].text)
        if not isinstance(value, str):
            return read(self.server.reader, value)
        text = self.server.redact(value)
        if self.task.labels:
            return replace(read(self.server.reader, value), text=text)
        answer = self.task.read(value, {})
        return Prediction(None if answer is None else self.server.redact(answer), text=text)


def build(
    source: Mapping[str, Any],
    context: Context,
    *,
    labels: Mapping[str, str] | None = None,
    fingerprint: str | None = None,
    paradigm: str = "other",
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    concurrency: int = 8,
    requests_per_minute: float | None = None,
    attempts: int = 5,
    timeout: float = 60.0,
    time_limit: float | None = None,
    max_requests: int | None = None,
    max_cost: float | None = None,
    price: float | None = None,
    currency: str = "USD",
) -> HttpModel:
    """Describe a service; nothing is sent before the first query.

    Args:
        source: A table: `url`; `request`, the JSON that is posted, with the fields of an input in
            braces in its strings; and `answer`, the path to the answer in the JSON that comes, such
            as "result.labels[0]", or "" for all of it.
        context: The adapter's context.
        labels: The task's label for each of the service's own, where the names differ.
        fingerprint: A version that you choose: change it when the service changes.
        paradigm: "prompted", "fine-tuned" or "other".
        api_key: The environment variable with the key, never the key itself, which is sent as
            `Authorization: Bearer`; by default none.
        headers: Further headers of every request. "env:NAME" is the value of an environment
            variable, as every secret has to be; a word may precede it, as in "Token env:NAME".
        concurrency: The maximum number of concurrent calls.
        requests_per_minute: The maximum number of calls per minute; None for no limit.
        attempts: The maximum number of calls per input.
        timeout: Time limit of one call, in seconds.
        time_limit: Time limit of all calls in a run, in seconds; None for no limit.
        max_requests: The maximum number of calls in a run, failed ones included; None for no cap.
        max_cost: The maximum cost of a run; needs `price`. None for no cap.
        price: The price of a call.
        currency: The currency of the price.

    Raises:
        ConfigurationError: values that do not go together.
    """
    owner = f"model {context.name!r}"
    limits = Limits(
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        attempts=attempts,
        timeout=timeout,
        time_limit=time_limit,
        max_requests=max_requests,
        max_cost=max_cost,
    )
    limits.check(owner)
    check_numbers(owner, least={"price": price})
    if max_cost is not None and price is None:
        raise ConfigurationError(
            f"{owner}: max_cost = {max_cost:g} needs `price`, the price of a call"
        )
    url, request, answer = _checked(owner, source)
    for name, label in (labels or {}).items():
        if label not in context.labels:
            message = unknown_name("label", str(label), context.labels)
            raise ConfigurationError(f"{owner}: labels.{name}: {message}")
    named = variable_name(owner, api_key, "SERVICE_API_KEY")
    return HttpModel(
        name=context.name,
        server=Service(
            owner=owner,
            url=url,
            key_name=named,
            headers=parse_headers(owner, headers or {}, key_named=named is not None),
            path=AnswerPath.of(owner, answer),
            reader=AnswerReader(name=context.name, labels=context.labels, label_names=labels or {}),
        ),
        task=context.task,
        patience=limits.patience,
        account=limits.account(
            context, None if price is None else Prices(0.0, 0.0, currency, price)
        ),
        paradigm=paradigm_of(context.name, paradigm),
        request=request,
        version=fingerprint,
    )


def _checked(owner: str, source: Mapping[str, Any]) -> tuple[str, Any, str]:
    """Return the entries of the table.

    Raises:
        ConfigurationError: one is missing, unknown or invalid, or may be a secret.
    """
    for key in source:
        if key not in KEYS:
            raise ConfigurationError(f"{owner}: http: " + unknown_name("key", key, KEYS))
    for key in KEYS:
        if key not in source:
            raise ConfigurationError(
                f"{owner}: http has no {key!r}; its keys are url, request and answer, such as "
                f'{{ url = "{EXAMPLE_URL}", request = {{ text = "{{text}}" }}, answer = "label" }}'
            )
    url, request, answer = (source[key] for key in KEYS)
    if not isinstance(url, str):
        raise ConfigurationError(f"{owner}: http.url is a string, such as {EXAMPLE_URL!r}")
    check_url(owner, "http.url", url, EXAMPLE_URL)
    if not isinstance(answer, str):
        raise ConfigurationError(
            f"{owner}: http.answer = {answer!r} is a path in a string, such as "
            '"result.labels[0]", or "" for the whole answer'
        )
    check_request(f"{owner}: http.request", request)
    _check_json(owner, request)
    if not request_fields(request):
        raise ConfigurationError(
            f"{owner}: http.request has no field of an input in braces, such as {{text}}, so that "
            "every request would be the same"
        )
    return url, request, answer


def _check_json(owner: str, value: Any) -> None:
    """Check that a request has only values that JSON has: TOML has dates, infinity and NaN, too."""
    if isinstance(value, Mapping):
        for inner in value.values():
            _check_json(owner, inner)
    elif isinstance(value, list):
        for inner in value:
            _check_json(owner, inner)
    elif not isinstance(value, str | bool | int | float) or not _is_finite(value):
        raise ConfigurationError(
            f"{owner}: http.request has {value}, which JSON has not; write it as a string"
        )


def _is_finite(value: str | float) -> bool:
    """Return whether a value is no infinity and not NaN."""
    return not isinstance(value, float) or math.isfinite(value)
