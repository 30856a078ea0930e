"""Chat models behind an API: prompts become chat completions, and answers are parsed from texts."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.data.parsing import without_thoughts
from pytest_ood.loading.prompts import without_system
from pytest_ood.models._api.answers import labelled, unmarked
from pytest_ood.models._api.asking import Question, Server
from pytest_ood.models._api.remote import RemoteModel
from pytest_ood.models._prompts import (
    SOURCE,
    prompt_parameters,
    read_answer,
)
from pytest_ood.models._voting import SampledAnswer, Sampling, elect
from pytest_ood.models.protocol import Facts
from pytest_ood.tasks import SCORE_DECIMALS, Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models._api.endpoints import Header
    from pytest_ood.models._api.limits import Prices
    from pytest_ood.models._api.outcomes import Reply
    from pytest_ood.models.protocol import Paradigm

FORMS = ("text", "json_schema", "json_object")
"""The forms of an answer; the latter two use the API's `response_format`."""

READING_OF_REPLIES = 3
"""The version of the rules that parse an answer from a reply. It is part of fingerprints and raised
with the rules, so that stored answers were parsed by the current ones."""

TOKENS_OF_A_MESSAGE = 16
"""The most tokens that a chat template adds to a message."""

TOKEN_SHOWN, TOKENS_SHOWN = 20, 5
"""Characters of a token, and tokens of an answer, that an error shows."""

TOKENS_OF_A_CHAT = 96
"""The most tokens that a chat template adds to a conversation, such as its own system message."""

OWN_FIELDS = (
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
        schema: The JSON schema of a structured answer; None for a label.
        sampling: The temperature, the number of answers and the vote between them.
        max_tokens: The maximum number of tokens of an answer.
        seed: The seed of the sampling; None for none, unless several answers need one each.
        reasoning: Whether no temperature is sent, and `max_tokens` includes hidden reasoning.
        top_logprobs: The number of likeliest first tokens for the scores; 0 for no scores.
        request: Further fields of the request.
    """

    form: str = "text"
    schema: Mapping[str, Any] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = 16
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
            of_labels = {
                "type": "object",
                "properties": {"label": {"type": "string", "enum": list(words)}},
                "required": ["label"],
                "additionalProperties": False,
            }
            described = {"name": "answer", "strict": True, "schema": self.schema or of_labels}
            fields["response_format"] = {"type": "json_schema", "json_schema": described}
        return {**fields, **self.request}


class ChatServer(Server, Protocol):
    """A server of chat completions."""

    @property
    def base_url(self) -> str:
        """Scheme, host and path, which may be shown and stored; "" for the provider's own."""
        ...

    @property
    def headers(self) -> tuple[Header, ...]:
        """Headers of every request, besides the key."""
        ...

    @property
    def prices(self) -> Prices | None:
        """The prices of the model; None if they are unknown."""
        ...

    @property
    def why_unpriced(self) -> str:
        """Why the prices are unknown, as the end of a message."""
        ...

    def redact(self, text: str) -> str:
        """Return a text without the secrets, which a server or a library may have repeated."""
        ...


@dataclass(frozen=True, kw_only=True)
class ChatModel(RemoteModel):
    """A model behind an API, one chat completion an input, or several that vote.

    The instruction is the system message; a demonstration is a message of the user and one of the
    assistant; the input is the last message of the user. The task parses the answer from the text.
    A text without an answer is an abstention, and so are an empty text (after a second attempt), a
    refusal, and a text that a content filter stopped.

    Attributes:
        server: The server, and the model's name there.
        load_prompt: Returns template, label words and demonstrations.
        decoding: The settings of requests.
        system: Whether the instruction is a system message, rather than the beginning of the first
            message of the user.
    """

    server: ChatServer
    load_prompt: Callable[[], Prompt] = field(repr=False)
    decoding: Decoding
    system: bool = True
    paradigm: Paradigm = "prompted"

    @property
    def source(self) -> str:
        """The model's name, and the server."""
        at = f" at {self.server.base_url}" if self.server.base_url else ""
        return f"{self.server.model}{at}"

    @cached_property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        return self.load_prompt()

    def with_prompt(self, prompt: Prompt) -> ChatModel:
        """Return the model under another prompt, on the same account."""
        return replace(self, load_prompt=lambda: prompt)

    @property
    def samples(self) -> int:
        """The number of answers to one input."""
        return self.decoding.sampling.samples

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
            **({"schema": self.decoding.schema} if self._has_schema else {}),
            **decoding,
            **({} if self.system else {"system": False}),
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
    def _has_schema(self) -> bool:
        """Whether an answer is structured by the task's schema, rather than a label."""
        return self.decoding.form != "text" and self.decoding.schema is not None

    @property
    def _described(self) -> str:
        """The form of a structured answer, for servers that take no schema."""
        schema, words = self.decoding.schema, self.prompt.label_words.values()
        if schema is not None:
            return f"an object that fits the schema {json.dumps(schema, ensure_ascii=False)}"
        return " or ".join(json.dumps({"label": word}, ensure_ascii=False) for word in words)

    def question(self, inputs: Inputs, number: int = 0) -> Question:
        """Return the request for an answer to an input."""
        prompt, words = self.prompt, self._words_of(inputs)
        if self.decoding.form == "json_object":
            # Servers refuse this form unless a message mentions JSON.
            instruction = f"{prompt.instruction.strip()}\nAnswer in JSON: {self._described}"
            prompt = replace(prompt, instruction=instruction)
        # The demonstrations of a task with a schema are JSON already.
        as_label = self.decoding.form != "text" and not self._has_schema
        messages = prompt.messages(inputs, _json_answer if as_label else str)
        if not self.system:
            messages = without_system(messages)
        fields = self.decoding.fields(list(words.values()), number)
        # Lone surrogates, which UTF-8 cannot encode, are replaced.
        sent = [{k: v.encode("utf-8", "replace").decode() for k, v in m.items()} for m in messages]
        texts = [message["content"] for message in sent]
        if "response_format" in fields:
            texts.append(json.dumps(fields["response_format"]))
        size = sum(len(text.encode()) + TOKENS_OF_A_MESSAGE for text in texts) + TOKENS_OF_A_CHAT
        body = {"model": self.server.model, "messages": sent, **fields}
        return Question(body=body, size=size, completion=self.decoding.max_tokens)

    def _words_of(self, inputs: Inputs) -> Mapping[str, str]:
        """Return the word for each label that an input offers."""
        return self.task.words_of(inputs, self.prompt.label_words)

    def prediction(self, inputs: Inputs, replies: Sequence[Reply]) -> Prediction:
        """Return the prediction for an input from its replies."""
        # The answer is parsed from the original text; what is stored and shown is redacted below.
        samples = [SampledAnswer(reply.text, self._answer(inputs, reply)) for reply in replies]
        prediction = elect(samples, self.decoding.sampling, self.task)
        if prediction.text is not None:
            prediction = replace(prediction, text=self.server.redact(prediction.text))
        if not self.task.labels:
            prediction = self._without_secrets(prediction)
        if not self.decoding.top_logprobs or replies[0].declined:
            return prediction
        scores = first_scores(replies[0].likely, self._words_of(inputs))
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

    def _answer(self, inputs: Inputs, reply: Reply) -> str | None:
        text = reply.text
        if reply.declined:
            return None
        if self.decoding.form != "text" and not self._has_schema:
            word = labelled(without_thoughts(text))
            return None if word is None else self.task.read(word, self._words_of(inputs))
        return read_answer(self.prompt, self.task, text, inputs, finished=reply.finished)


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
