"""Prompted models behind an OpenAI-compatible API; answers are parsed from the generated text."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_ood.data.inputs import canonical
from pytest_ood.data.parsing import without_thoughts
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.models._api.answers import labelled, unmarked
from pytest_ood.models._api.asking import Account, Missing, Patience, Question, ask
from pytest_ood.models._api.calls import (
    DEFAULT_BASE_URL,
    DEFAULT_KEY_NAME,
    Header,
    Reply,
    Server,
    is_this_machine,
)
from pytest_ood.models._api.limits import Caps, Ledger, Pace, Prices
from pytest_ood.models._api.transport import unsendable
from pytest_ood.models._prompts import (
    SOURCE,
    DemonstrationOptions,
    prompt_loader,
    prompt_parameters,
    read_answer,
)
from pytest_ood.models._voting import SampledAnswer, Sampling, elect
from pytest_ood.models.protocol import Facts, Usage
from pytest_ood.tasks import SCORE_DECIMALS, Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Task
    from pytest_ood.utils.redaction import Secrets

EXAMPLE = """\
[tool.pytest_ood.models.hosted]
prompted = "openai:gpt-4o-mini"     # the key is in $OPENAI_API_KEY
prompt = "Review: {text}\\nSentiment:"
max_requests = 2000
"""
"""An example of the configuration in pyproject.toml."""

SEED_OPTION, SEED_NEEDS = "demonstration_seed", "demonstrations"
"""The option that is raised by one for each of a model's `seeds`, and the option that it needs."""

FORMS = ("text", "json_schema", "json_object")
"""The forms of an answer; the latter two use the API's `response_format`."""

MOST_TOP_LOGPROBS = 20

READING_OF_REPLIES = 3
"""The version of the rules that parse an answer from a reply. It is part of fingerprints and raised
with the rules, so that stored answers were parsed by the current ones."""

LENGTH, LENGTH_OF_A_CHAIN = 16, 512
"""Default `max_tokens`, and the default with a chain of thought: chat models write more words than
their demonstrations."""

TOKENS_OF_A_MESSAGE = 16
"""The most tokens that a chat template adds to a message."""

TOKEN_SHOWN, TOKENS_SHOWN = 20, 5
"""Characters of a token, and tokens of an answer, that an error shows."""

OTHERS_SHOWN = 3
"""The most models that a remark names."""

TOKENS_OF_A_CHAT = 96
"""The most tokens that a chat template adds to a conversation, such as its own system message."""

_KEY_NAME = re.compile(r"(?:env:)?([A-Z_][A-Z0-9_]*)")
_URL = re.compile(r"https?://[A-Za-z0-9._~:%@\[\]!$&'()*+,;=-]+(?:[/?#][!-~]*)?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FROM_ENVIRONMENT = re.compile(r"\A((?:[A-Za-z-]+ )?)env:([A-Za-z_][A-Za-z0-9_]*)")
"""The value of a header: `env:NAME`, or a scheme before it, as `Token env:NAME`."""

_SECRET_HEADER = re.compile(r"key|token|secret|auth|password|cookie|credential|sign", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(?:bearer|basic|token) |(?:sk|gsk|hf|xai|pk|ghp|github_pat)[-_]|(?-i:AIza|AKIA|eyJ)"
    r"|[a-z][a-z0-9+.-]{0,20}://[^\s/?#]*@",
    re.IGNORECASE,
)
_SECRET_FIELD = re.compile(
    r"(?:key|token|secret|auth|authorization|bearer|passw(?:or)?d|passphrase|pwd|pass|cookie"
    r"|credentials?|signature|dsn|connection_?string)$",
    re.IGNORECASE,
)
_NO_SECRET_FIELD = re.compile(
    r"prompt_cache_key|(?:[bes]os|cls|mask|pad|sep|stop|unk|image|audio|think|start|end)_token",
    re.IGNORECASE,
)
"""Fields of servers and chat templates with names like those of secrets, but without secrets."""
_CLIENTS_HEADERS = (
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
)
_OWN_FIELDS = (
    "model",
    "messages",
    "n",
    "stream",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "response_format",
    "logprobs",
    "top_logprobs",
)


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """The settings of a request that decide the answer.

    Attributes:
        form: One of `FORMS`.
        sampling: The temperature, the number of answers and the vote between them.
        max_tokens: The maximum number of tokens of an answer.
        seed: The seed of the sampling; None for none, unless several answers need one each.
        reasoning: Whether no temperature is sent, and `max_tokens` includes hidden reasoning.
        top_logprobs: The number of likeliest first tokens for the scores; 0 for no scores.
        request: Further fields of the request.
    """

    form: str = "text"
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = LENGTH
    seed: int | None = None
    reasoning: bool = False
    top_logprobs: int = 0
    request: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, words: Sequence[str], number: int = 0) -> dict[str, Any]:
        """Return the fields of a request except model and messages.

        Args:
            words: The label words.
            number: The number of the answer to the same input. Each answer, and each seed, has a
                seed of its own in the requests.
        """
        if self.reasoning:
            fields: dict[str, Any] = {"max_completion_tokens": self.max_tokens}
        else:
            fields = {"max_tokens": self.max_tokens, "temperature": self.sampling.temperature}
        if self.seed is not None or self.sampling.samples > 1:
            fields["seed"] = (self.seed or 0) * self.sampling.samples + number
        if self.top_logprobs:
            fields |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        if self.form == "json_object":
            fields["response_format"] = {"type": "json_object"}
        if self.form == "json_schema":
            schema = {
                "type": "object",
                "properties": {"label": {"type": "string", "enum": list(words)}},
                "required": ["label"],
                "additionalProperties": False,
            }
            described = {"name": "answer", "strict": True, "schema": schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": described}
        return {**fields, **self.request}


@dataclass(frozen=True, kw_only=True)
class ApiModel:
    """A model behind an API, one chat completion an input, or several that vote.

    The instruction is the system message; a demonstration is a message of the user and one of the
    assistant; the input is the last message of the user. The task parses the answer from the text.
    A text without an answer is an abstention, and so are an empty text (after a second attempt), a
    refusal, and a text that a content filter stopped. If a reply is missing, the prediction has an
    `error`.

    Attributes:
        name: The model's name in reports.
        server: The server, and the model's name there.
        load_prompt: Returns template, label words and demonstrations.
        task: Parses answers.
        decoding: The settings of requests.
        patience: Attempts, time limits and concurrency.
        account: The usage and the pace, shared by all models of one table.
    """

    name: str
    server: Server
    load_prompt: Callable[[], Prompt] = field(repr=False)
    task: Task
    decoding: Decoding
    patience: Patience
    account: Account = field(repr=False)
    paradigm: Paradigm = "prompted"

    @property
    def source(self) -> str:
        """The model's name, and the server."""
        return f"{self.server.model} at {self.server.base_url}"

    @cached_property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        return self.load_prompt()

    def with_prompt(self, prompt: Prompt) -> ApiModel:
        """Return the model under another prompt, on the same account."""
        return replace(self, load_prompt=lambda: prompt)

    @property
    def secrets(self) -> Secrets:
        """The key and other credentials, which no output may contain."""
        return self.server.secrets

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Prompt and decoding."""
        sent = self.decoding.fields(list(self.prompt.label_words.values()))
        decoding = {key: value for key, value in sent.items() if key != "response_format"}
        sampling = self.decoding.sampling
        if sampling.samples > 1:
            voting = {k: v for k, v in sampling.parameters.items() if k.startswith("vote")}
            decoding |= {"samples": sampling.samples, "seed": self.decoding.seed or 0, **voting}
        # A header may select the model; the value of a variable is a credential, which does not.
        headers = {h.name: h.text for h in self.server.headers if h.variable is None}
        return {
            **prompt_parameters(self.prompt, self.task),
            "base_url": self.server.base_url,
            "answer": self.decoding.form,
            **decoding,
            **({"headers": headers} if headers else {}),
        }

    @property
    def facts(self) -> Facts:
        """The model's name at the server, and the number of demonstrations; its size is unknown."""
        return Facts(base=self.server.model, shots=len(self.prompt.demonstrations))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the model's name, the server, the prompt with demonstrations, and the settings.

        A hosted model may change under the same name, which cannot be detected.
        """
        decided = {key: value for key, value in self.parameters.items() if key != SOURCE}
        rest = [self.server.model, decided, self.prompt.shown, READING_OF_REPLIES]
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()

    @property
    def used(self) -> Usage:
        """The usage by this process.

        A call whose answer was lost, or has no usage, counts at its upper bounds.
        """
        return self.account.ledger.used(self.name)

    @property
    def notes(self) -> tuple[str, ...]:
        """A remark if the server reports that another model answered."""
        others = sorted(self.account.others)
        if not others:
            return ()
        listed = ", ".join(repr(name) for name in others[:OTHERS_SHOWN])
        more = f" and {len(others) - OTHERS_SHOWN} more" if len(others) > OTHERS_SHOWN else ""
        return (
            f"{self.name}: asked for the model {self.server.model!r}, the server says that "
            f"{listed}{more} answered; the figures are of what answered",
        )

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return an upper bound of the usage for these inputs, without repeated attempts.

        A token has one byte or more, so that a prompt's bytes bound its tokens; for English the
        bound is about four times the actual number.
        """
        unique = {canonical(value): value for value in inputs}
        samples = self.decoding.sampling.samples
        sizes = [self._question(value).size for value in unique.values() for _ in range(samples)]
        answers = len(sizes) * self.decoding.max_tokens
        prices = self.account.ledger.prices
        cost = prices.of(sum(sizes), answers) if prices else None
        currency = prices.currency if prices else Usage.currency
        return Usage(
            requests=len(sizes),
            prompt_tokens=sum(sizes),
            completion_tokens=answers,
            cost=cost,
            currency=currency,
        )

    def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
        """Yield (index, prediction) as answers come; equal inputs are sent once.

        Raises:
            ModelError: there is no key; or the server has never answered, and cannot be reached,
                rejects the key, has no such model or refuses the request.
        """
        indices: dict[str, list[int]] = {}
        for index, value in enumerate(inputs):
            indices.setdefault(canonical(value), []).append(index)
        rows, samples = list(indices.values()), self.decoding.sampling.samples
        questions = [
            self._question(inputs[row[0]], number) for row in rows for number in range(samples)
        ]
        outcomes = ask(self.name, questions, self.server, self.account, self.patience)
        came: dict[int, dict[int, Reply | Missing]] = {}
        # Closing cancels the calls under way at once, not when the garbage is collected.
        with closing(outcomes):
            for number, outcome in outcomes:
                row, sample = divmod(number, samples)
                replies = came.setdefault(row, {})
                replies[sample] = outcome
                if len(replies) == samples:
                    del came[row]
                    prediction = self._prediction([replies[index] for index in sorted(replies)])
                    for index in rows[row]:
                        yield index, prediction

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input, in order.

        Raises:
            ModelError: as `stream`.
        """
        answers = dict(self.stream(inputs))
        return [answers[index] for index in range(len(inputs))]

    def _question(self, inputs: Inputs, number: int = 0) -> Question:
        words = self.prompt.label_words
        messages = []
        instruction = self.prompt.instruction.strip()
        if self.decoding.form == "json_object":
            # Servers refuse this form unless a message mentions JSON.
            choice = " or ".join(
                json.dumps({"label": w}, ensure_ascii=False) for w in words.values()
            )
            instruction = f"{instruction}\nAnswer in JSON: {choice}".strip()
        if instruction:
            messages.append({"role": "system", "content": instruction})
        for example in self.prompt.demonstrations:
            said = self.prompt.answer(example)
            if self.decoding.form != "text":
                said = _json_answer(said)
            messages.append({"role": "user", "content": self.prompt.question(example.inputs)})
            messages.append({"role": "assistant", "content": said})
        messages.append({"role": "user", "content": self.prompt.question(inputs)})
        fields = self.decoding.fields(list(words.values()), number)
        # Lone surrogates, which UTF-8 cannot encode, are replaced.
        sent = [{k: v.encode("utf-8", "replace").decode() for k, v in m.items()} for m in messages]
        texts = [message["content"] for message in sent]
        if "response_format" in fields:
            texts.append(json.dumps(fields["response_format"]))
        size = sum(len(text.encode()) + TOKENS_OF_A_MESSAGE for text in texts) + TOKENS_OF_A_CHAT
        body = {"model": self.server.model, "messages": sent, **fields}
        return Question(body=body, size=size, completion=self.decoding.max_tokens)

    def _prediction(self, outcomes: Sequence[Reply | Missing]) -> Prediction:
        """Return the prediction for an input from its replies; an error if one is missing."""
        replies = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
        missing = [outcome.reason for outcome in outcomes if isinstance(outcome, Missing)]
        if missing:
            return Prediction(None, error=missing[0])
        # The answer is parsed from the original text; what is stored and shown is redacted below.
        samples = [SampledAnswer(reply.text, self._answer(reply)) for reply in replies]
        prediction = elect(samples, self.decoding.sampling, self.task)
        if prediction.text is not None:
            prediction = replace(prediction, text=self.server.redact(prediction.text))
        if not self.task.labels:
            prediction = self._without_secrets(prediction)
        if not self.decoding.top_logprobs or replies[0].declined:
            return prediction
        scores = first_scores(replies[0].likely, self.prompt.label_words)
        if prediction.label is not None and not scores:
            tokens = [self.server.redact(token) for token, _ in replies[0].likely[0]]
            listed = ", ".join(repr(token[:TOKEN_SHOWN]) for token in tokens[:TOKENS_SHOWN])
            return Prediction(
                None,
                error="none of the likeliest first tokens begins the word of one label alone "
                f"({listed}); let the prompt ask for the word by itself, or leave out "
                "`top_logprobs`",
            )
        return replace(prediction, scores=scores)

    def _without_secrets(self, prediction: Prediction) -> Prediction:
        """Return an answer in free text without secrets."""
        label, redact = prediction.label, self.server.redact
        scores = {redact(answer): score for answer, score in prediction.scores.items()}
        return replace(prediction, label=None if label is None else redact(label), scores=scores)

    def _answer(self, reply: Reply) -> str | None:
        text = reply.text
        if reply.declined:
            return None
        if self.decoding.form != "text":
            word = labelled(without_thoughts(text))
            return None if word is None else self.task.read(word, self.prompt.label_words)
        return read_answer(self.prompt, self.task, text, finished=reply.finished)


def _json_answer(word: str) -> str:
    """Return a label word as a structured answer."""
    return json.dumps({"label": word}, ensure_ascii=False)


def first_scores(
    likely: Sequence[Sequence[tuple[str, float]]], label_words: Mapping[str, str]
) -> dict[str, float]:
    """Return each label's probability at the first position of an answer where any has one."""
    shares = (_scores(index, label_words) for index in likely)
    return next(filter(None, shares), {})


def _scores(
    likely: Sequence[tuple[str, float]], label_words: Mapping[str, str]
) -> dict[str, float]:
    """Return each label's share of the probability of the tokens that begin only its word.

    Empty if no token begins a word. A token is compared as it is, then in byte notation.
    """
    words = {label: word.strip().casefold() for label, word in label_words.items()}
    shares = dict.fromkeys(words, 0.0)
    for token, logprob in likely:
        for text in (token, unmarked(token)):
            start = text.strip().casefold()
            meant = [label for label, word in words.items() if start and word.startswith(start)]
            if meant:
                break
        if len(meant) == 1:
            shares[meant[0]] += math.exp(logprob)
    whole = sum(shares.values())
    if not whole:
        return {}
    return {label: round(share / whole, SCORE_DECIMALS) for label, share in shares.items()}


def build(
    source: str,
    context: Context,
    *,
    prompt: str,
    shots: int | None = None,
    demonstrations: Any = None,
    demonstration_seed: int = 0,
    selection: str = "random",
    vary: str = "draw",
    chain_of_thought: bool = False,
    label_words: Mapping[str, str] | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    answer: str = "text",
    samples: int = 1,
    temperature: float = 0.0,
    vote: str = "majority",
    vote_top: int | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    reasoning: bool = False,
    top_logprobs: int = 0,
    request: Mapping[str, Any] | None = None,
    concurrency: int = 8,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    attempts: int = 5,
    timeout: float = 60.0,
    time_limit: float | None = None,
    max_requests: int | None = None,
    max_total_tokens: int | None = None,
    max_cost: float | None = None,
    price_in: float | None = None,
    price_out: float | None = None,
    currency: str = "USD",
) -> ApiModel:
    """Describe a model behind an API; nothing is sent before the first query.

    Args:
        source: The model's name at the server.
        context: The adapter's context.
        prompt: The template itself, or the path of a file with it (see `parse_template`).
        shots: The number of demonstrations to draw; by default all of an inline list, 4 of data.
        demonstrations: A list of tables with the prompt's fields, `label` and `rationale`, or data
            (a path or a table).
        demonstration_seed: Seed of the draw; for an inline list, of the order, where 0 keeps the
            order of the list.
        selection: Which examples of the data are drawn: "random", the labels taking turns; or
            "complexity", those with the most reasoning steps (Fu et al. 2022).
        vary: What the seed changes: "draw", which examples are drawn and their order; or "order",
            the order alone.
        chain_of_thought: Whether demonstrations show the reasoning before the answer (Wei et al.
            2022); without demonstrations a phrase asks for it (Kojima et al. 2022).
        label_words: The word for each label; by default the label itself.
        base_url: The URL of the server; by default $OPENAI_BASE_URL, or else OpenAI's.
        api_key: The environment variable with the key, never the key itself; by default
            OPENAI_API_KEY, and none for a server on this machine or if `headers` have a secret.
        headers: Further headers of every request. "env:NAME" is the value of an environment
            variable, as every secret has to be; a word may precede it, as in "Token env:NAME".
        answer: "text"; or "json_schema" or "json_object", which request structured answers and fail
            if the server has none.
        samples: The number of answers per input, each a call with a seed of its own; the most
            frequent one counts (Wang et al. 2022).
        temperature: The sampling temperature.
        vote: Which samples vote: "majority", all of them; or "complexity", the `vote_top` with the
            most reasoning steps (Fu et al. 2022).
        vote_top: The number of samples that vote under "complexity".
        max_tokens: The maximum number of tokens of an answer; by default 16, and 512 with a chain
            of thought.
        seed: Seed of the sampling, if the server supports it.
        reasoning: Whether the model reasons in hidden tokens: no temperature is sent, and
            `max_tokens` is sent as `max_completion_tokens`, which includes hidden reasoning.
        top_logprobs: The number of likeliest first tokens from which labels get probabilities, 1 to
            20; 0 for no probabilities.
        request: Further fields of the request, as the server takes them.
        concurrency: The maximum number of concurrent calls.
        requests_per_minute: The maximum number of calls per minute; None for no limit.
        tokens_per_minute: The maximum number of tokens per minute, estimated by earlier calls; None
            for no limit.
        attempts: The maximum number of calls per input.
        timeout: Time limit of one call, in seconds.
        time_limit: Time limit of all calls in a run, in seconds; None for no limit.
        max_requests: The maximum number of calls in a run, failed ones included; None for no cap.
        max_total_tokens: The maximum number of tokens of prompts and answers in a run; None for no
            cap.
        max_cost: The maximum cost of a run; needs both prices. None for no cap.
        price_in: The price of a million tokens of prompts.
        price_out: The price of a million tokens of answers.
        currency: The currency of the prices.

    Raises:
        ConfigurationError: values that do not go together.
        DataError: demonstrations that cannot be read.
    """
    owner = f"model {context.name!r}"
    _check_numbers(
        owner,
        whole={
            "max_tokens": max_tokens,
            "concurrency": concurrency,
            "attempts": attempts,
            "max_requests": max_requests,
            "max_total_tokens": max_total_tokens,
        },
        above={
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "timeout": timeout,
            "time_limit": time_limit,
            "max_cost": max_cost,
        },
        least={"temperature": temperature, "price_in": price_in, "price_out": price_out},
    )
    if answer not in FORMS:
        raise ConfigurationError(f"{owner}: " + unknown_name("answer", answer, FORMS))
    if not 0 <= top_logprobs <= MOST_TOP_LOGPROBS:
        raise ConfigurationError(
            f"{owner}: top_logprobs = {top_logprobs} has to be between 0 and {MOST_TOP_LOGPROBS}"
        )
    if top_logprobs and answer != "text":
        raise ConfigurationError(
            f'{owner}: top_logprobs needs answer = "text": JSON does not start with a label'
        )
    _check_forms(owner, context, answer, top_logprobs, samples, chain_of_thought=chain_of_thought)
    sampling = Sampling(
        samples=samples, temperature=temperature, seed=seed or 0, vote=vote, vote_top=vote_top
    )
    # A reasoning model has a temperature of its own.
    drawn = temperature > 0 or reasoning
    sampling.check(owner, chain_of_thought=chain_of_thought, drawn=drawn)
    if max_tokens is None:
        max_tokens = LENGTH_OF_A_CHAIN if chain_of_thought else LENGTH
    for key in request or {}:
        if key in _OWN_FIELDS:
            raise ConfigurationError(
                f"{owner}: request: {key!r} is decided by options of its own; leave it out"
            )
    _check_request(f"{owner}: request", request or {})
    if (price_in is None) != (price_out is None):
        raise ConfigurationError(f"{owner}: price_in and price_out are given together")
    prices = None
    if price_in is not None and price_out is not None:
        prices = Prices(price_in, price_out, currency)
    if max_cost is not None and prices is None:
        raise ConfigurationError(
            f"{owner}: max_cost = {max_cost:g} needs price_in and price_out, "
            "the prices of a million tokens"
        )
    account = context.shared.setdefault(
        "account",
        Account(
            ledger=Ledger(
                Caps(requests=max_requests, tokens=max_total_tokens, cost=max_cost), prices
            ),
            pace=Pace(requests_per_minute, tokens_per_minute),
        ),
    )
    return ApiModel(
        name=context.name,
        server=_server(owner, source, base_url, api_key, headers or {}),
        load_prompt=prompt_loader(
            context,
            prompt,
            DemonstrationOptions(
                declared=demonstrations,
                shots=shots,
                seed=demonstration_seed,
                selection=selection,
                vary=vary,
            ),
            label_words=label_words,
            chain_of_thought=chain_of_thought,
            written=True,
        ),
        task=context.task,
        decoding=Decoding(
            form=answer,
            sampling=sampling,
            max_tokens=max_tokens,
            seed=seed,
            reasoning=reasoning,
            top_logprobs=top_logprobs,
            request=request or {},
        ),
        patience=Patience(
            concurrency=concurrency, attempts=attempts, timeout=timeout, time_limit=time_limit
        ),
        account=account,
    )


def _check_forms(
    owner: str,
    context: Context,
    answer: str,
    top_logprobs: int,
    samples: int,
    *,
    chain_of_thought: bool,
) -> None:
    """Check that structured answers and probabilities are used only if answers are labels alone."""
    reasons = {
        f"the task {context.task.name} has no labels": not context.labels,
        "a chain of thought comes before its answer": chain_of_thought,
    }
    for reason in (reason for reason, holds in reasons.items() if holds):
        if answer != "text":
            raise ConfigurationError(
                f'{owner}: answer = {answer!r} asks for a label, but {reason}; take answer = "text"'
            )
        if top_logprobs:
            raise ConfigurationError(
                f"{owner}: top_logprobs is about the labels' words, but {reason}; leave it out"
            )
    if top_logprobs and samples > 1:
        raise ConfigurationError(
            f"{owner}: of samples = {samples} the probabilities are shares of votes; leave out "
            "top_logprobs"
        )


def _server(
    owner: str,
    model: str,
    base_url: str | None,
    api_key: str | None,
    headers: Mapping[str, str],
) -> Server:
    """Return the server of the options; no message repeats what could be a secret."""
    if not model.strip():
        raise ConfigurationError(f"{owner}: the model has no name; write the one the server knows")
    url = base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or DEFAULT_BASE_URL
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not _URL.fullmatch(url):
        raise ConfigurationError(
            f"{owner}: base_url is no http or https URL; write one like {DEFAULT_BASE_URL}"
        )
    if parts.username is not None:
        raise ConfigurationError(
            f"{owner}: base_url holds credentials; put the key into an environment variable and "
            "name that with `api_key`"
        )
    named = None if api_key is None else _KEY_NAME.fullmatch(api_key)
    if api_key is not None and named is None:
        raise ConfigurationError(
            f"{owner}: api_key is the name of an environment variable in capitals, such as "
            f"{DEFAULT_KEY_NAME}, never a key itself (what was given is not shown here)"
        )
    own = tuple(_header(owner, name, value) for name, value in headers.items())
    names = [header.name.casefold() for header in own]
    twice = {name for name in names if names.count(name) > 1}
    if twice or (named is not None and "authorization" in names):
        repeated = ", ".join(sorted(twice)) or "authorization, which `api_key` makes as well"
        raise ConfigurationError(f"{owner}: headers: twice the same: {repeated}; keep one")
    let_in = is_this_machine(url) or any(header.variable for header in own)
    key_name = named[1] if named is not None else None if let_in else DEFAULT_KEY_NAME
    return Server(owner=owner, model=model, url=url, key_name=key_name, headers=own)


def _header(owner: str, name: str, value: Any) -> Header:
    """Return a header of the configuration; no message repeats what could be a secret."""
    at = f"{owner}: headers"
    if not _HEADER_NAME.fullmatch(name):
        raise ConfigurationError(f"{at}: {name!r} is no name of a header, such as api-key")
    if name.casefold() in _CLIENTS_HEADERS:
        raise ConfigurationError(f"{at}: {name!r} is decided by the client; leave it out")
    if not isinstance(value, str):
        raise ConfigurationError(f'{at}: the value of {name!r} is a string, such as "env:NAME"')
    variable = _FROM_ENVIRONMENT.fullmatch(value)
    if variable is not None:
        return Header(name=name, text=variable[1], variable=variable[2])
    if _SECRET_HEADER.search(name) or _SECRET_VALUE.match(value):
        raise ConfigurationError(
            f"{at}: the value of {name!r} may be a secret; put it into an environment variable and "
            f'write {name} = "env:NAME" (what was given is not shown here)'
        )
    if unsendable(value) is not None:
        raise ConfigurationError(f"{at}: no header can carry {value!r}: {unsendable(value)}")
    return Header(name=name, text=value)


def _check_request(where: str, value: Any, name: str = "") -> None:
    """Check that further fields of the request, at any depth, have no secrets: reports show them.

    Args:
        where: The path of the field, for messages.
        value: The value of the field.
        name: The name of the field, or of the nearest field around it with a name.

    Raises:
        ConfigurationError: a value may be a secret; the message has the field, not the value.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _SECRET_VALUE.match(str(key)):
                raise ConfigurationError(
                    f"{where}: a field's name may be a secret; put it into an environment variable "
                    "(what was given is not shown here)"
                )
            _check_request(f"{where}.{key}", inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_request(where, inner, name)
    elif isinstance(value, str):
        named = _SECRET_FIELD.search(name) and not _NO_SECRET_FIELD.fullmatch(name)
        if (named and value.strip()) or _SECRET_VALUE.match(value.strip()):
            raise ConfigurationError(
                f"{where}: the value may be a secret, and reports show `request`; put it "
                "into an environment variable, and name that with `api_key`, or in `headers` as "
                '"env:NAME" (what was given is not shown here)'
            )


def _check_numbers(
    owner: str,
    *,
    whole: Mapping[str, int | None],
    above: Mapping[str, float | None],
    least: Mapping[str, float | None],
) -> None:
    """Check whole numbers of 1 or more, numbers above 0, and numbers of 0 or more."""
    for numbers, least_allowed, bounds in (
        (whole, 1.0, "1 or more"),
        (above, math.ulp(0.0), "more than 0"),
        (least, 0.0, "0 or more"),
    ):
        for key, number in numbers.items():
            if number is not None and not least_allowed <= number < math.inf:
                raise ConfigurationError(f"{owner}: {key} = {number} has to be {bounds}")
