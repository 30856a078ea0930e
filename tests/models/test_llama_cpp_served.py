"""The server of llama.cpp really serves SmolLM2 on loopback, in OpenAI's and Anthropic's form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from llama_cpp_server import llama_cpp_serving

from pytest_ood.models import adapter
from pytest_ood.models._api.chat import ChatModel
from pytest_ood.models._torch import checkpoint_path
from pytest_ood.models.protocol import Context, notes_of

pytestmark = [
    pytest.mark.demo,
    pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs the extra dev"),
]

INSTRUCTION = "Say whether a review is positive or negative, in one word."
PROMPT = f"{INSTRUCTION}\n---\nReview: {{text}}\nSentiment:"
SHOWN = [
    {"text": "a wonderful film", "label": "positive"},
    {"text": "a dreadful film", "label": "negative"},
]
TEXTS = [
    "great acting",
    "a boring plot",
    "I want my money back",
    "wonderful",
    "caf\u00e9 \U0001f680",
]


@pytest.fixture(scope="module")
def around(
    context_of: Callable[..., Context], tmp_path_factory: pytest.TempPathFactory, packaged: Path
) -> Context:
    """Return a context that may fetch the packaged LLM."""
    root = tmp_path_factory.mktemp("root")
    return context_of(root, cache=packaged, offline=False)


@pytest.fixture(scope="module")
def url(around: Context, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the packaged LLM for all tests of this module."""
    model = checkpoint_path("asset:smollm2", "the test", around)
    with llama_cpp_serving(model, tmp_path_factory.mktemp("log") / "serve.log") as url:
        yield url


Make = Callable[..., ChatModel]


@pytest.fixture
def make(url: str, context: Context) -> Make:
    """Return a maker of models at the server, which answers whatever name it is asked for."""

    def maker(kind: str = "openai", source: str = "smollm2", **options: Any) -> ChatModel:
        base = url if source.startswith("anthropic/") else f"{url}/v1"
        usual = {"prompt": PROMPT, "demonstrations": SHOWN, "base_url": base, "concurrency": 1}
        model: ChatModel = adapter(kind).build(
            source, replace(context, shared={}), **{**usual, **options}
        )
        return model

    return maker


def test_every_adapter_gets_the_same_answers(make: Make) -> None:
    """OpenAI's form, and by LiteLLM that and Anthropic's: texts, and the tokens of prompts."""
    plain = make(max_tokens=4)
    expected = plain.predict(TEXTS)
    assert all(answer.label is not None for answer in expected)
    kinds = ["openai/smollm2", "anthropic/smollm2"] if find_spec("litellm") else []
    for source in kinds:
        model = make("litellm", source, max_tokens=4)
        assert model.predict(TEXTS) == expected
        assert model.used.requests == len(TEXTS)
        assert model.used.prompt_tokens == plain.used.prompt_tokens
    assert 0 < plain.used.prompt_tokens < plain.estimate(TEXTS).prompt_tokens


def test_probabilities_are_those_of_the_model_itself(make: Make, around: Context) -> None:
    """Those of the first token, and of the same file in this process, but for rounding."""
    served = make(top_logprobs=20, max_tokens=4).predict(TEXTS)
    build = adapter("prompted").build
    options = {"prompt": PROMPT, "demonstrations": SHOWN, "chat": True, "calibrate": False}
    own = build("asset:smollm2", around, **options).predict(TEXTS)
    for one, other in zip(served, own, strict=True):
        assert one.label == max(one.scores, key=lambda label: one.scores[label])
        # The server computes in integers of eight bits.
        assert one.scores["positive"] == pytest.approx(other.scores["positive"], abs=0.1)


def test_a_schema_leaves_no_other_answer(make: Make) -> None:
    """The server writes JSON with white space, which needs more tokens than a word."""
    structured = make(answer="json_schema", max_tokens=32).predict(TEXTS)
    assert {answer.label for answer in structured} <= {"negative", "positive"}


def test_a_prompt_beyond_the_window_is_an_error_of_that_input(make: Make) -> None:
    """The server's words for it are known; the other inputs are answered."""
    first, second, third = make(max_tokens=4).predict([TEXTS[0], "long " * 5000, TEXTS[1]])
    assert first.label is not None
    assert third.label is not None
    assert second.error == "the prompt does not fit the model's window (status 400)"


def test_the_name_that_it_answers_by_is_noted(make: Make) -> None:
    """It serves one file, whatever it is asked for, and says which."""
    model = make(max_tokens=4)
    model.predict(TEXTS[:1])
    (note,) = notes_of(model)
    assert "asked for the model 'smollm2', the server says that" in note
    assert "SmolLM2-135M-Instruct.Q4_1.gguf" in note
