"""`transformers serve` really serves SmolLM2 on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers_server import transformers_serving

from pytest_ood.data.parsing import parse_answer
from pytest_ood.errors import ModelError
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore
from pytest_ood.models import adapter
from pytest_ood.models._api.chat import ChatModel
from pytest_ood.models._torch import checkpoint_path, unpacked
from pytest_ood.models.protocol import Context
from pytest_ood.utils.progress import Silent

pytestmark = pytest.mark.demo

build = adapter("openai").build

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
def smollm2(
    context_of: Callable[..., Context], tmp_path_factory: pytest.TempPathFactory, packaged: Path
) -> Path:
    """Return the folder of the packaged LLM."""
    around = context_of(tmp_path_factory.mktemp("root"), cache=packaged, offline=False)
    return unpacked(checkpoint_path("asset:smollm2", "the test", around), "the test", around)


@pytest.fixture(scope="module")
def url(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve it for all tests of this module."""
    with transformers_serving(smollm2, tmp_path_factory.mktemp("log") / "serve.log") as url:
        yield url


@pytest.fixture
def make(smollm2: Path, url: str, context: Context) -> Callable[..., ChatModel]:
    """Return a maker of models at the server."""

    def maker(**options: Any) -> ChatModel:
        usual = {"prompt": PROMPT, "demonstrations": SHOWN, "base_url": url, "max_tokens": 4}
        model: ChatModel = build(str(smollm2), context, **usual, **options)
        return model

    return maker


def generated(folder: Path, texts: list[str]) -> list[str]:
    """Generate greedily with nothing but transformers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    llm = AutoModelForCausalLM.from_pretrained(folder).eval()
    answers = []
    for text in texts:
        messages = [{"role": "system", "content": INSTRUCTION}]
        for example in SHOWN:
            messages.append({"role": "user", "content": f"Review: {example['text']}\nSentiment:"})
            messages.append({"role": "assistant", "content": example["label"]})
        messages.append({"role": "user", "content": f"Review: {text}\nSentiment:"})
        ids = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        out = llm.generate(**ids, max_new_tokens=4, do_sample=False)
        start = ids["input_ids"].shape[1]
        answers.append(tokenizer.decode(out[0, start:], skip_special_tokens=True))
    return answers


def test_answers_are_those_of_the_model_itself(
    make: Callable[..., ChatModel], smollm2: Path
) -> None:
    """Over the API, several at once, comes what the model generates greedily in this process."""
    model = make(concurrency=3)
    answers = model.predict([*TEXTS, TEXTS[0]])
    expected = generated(smollm2, TEXTS)
    assert [answer.text for answer in answers[:-1]] == expected
    assert [answer.label for answer in answers[:-1]] == [
        parse_answer(text, model.prompt.label_words) for text in expected
    ]
    assert answers[-1] == answers[0]
    assert {answer.label for answer in answers} == {"negative", "positive"}
    bound = model.estimate(TEXTS)
    assert model.used.requests == bound.requests == len(TEXTS)
    assert 0 < model.used.prompt_tokens <= bound.prompt_tokens
    assert 0 < model.used.completion_tokens <= bound.completion_tokens


def test_what_is_known_is_not_asked_again(make: Callable[..., ChatModel], tmp_path: Path) -> None:
    """A second run over the same texts takes every answer from the store, and asks nothing."""
    store = FileStore(tmp_path / "predictions.sqlite")
    model = make()
    answers = Engine(store, Silent()).predict(model, TEXTS, ("negative", "positive"), "texts")
    used = model.used
    again = Engine(store, Silent()).predict(model, TEXTS, ("negative", "positive"), "texts")
    assert again == answers
    assert model.used == used
    assert used.requests == len(TEXTS)


def test_a_wrong_model_name_is_a_clear_error(make: Callable[..., ChatModel]) -> None:
    """The server's own words say what it serves instead."""
    model = make()
    wrong = replace(model, server=replace(model.server, model="nobody/none"))
    with pytest.raises(ModelError, match=r"model 'nobody/none': status 4\d\d: .*nobody/none"):
        wrong.predict(TEXTS)


def test_scores_that_the_server_does_not_give_are_an_error(make: Callable[..., ChatModel]) -> None:
    """This server has no log probabilities, and that is told."""
    with pytest.raises(ModelError, match="top_logprobs"):
        make(top_logprobs=5).predict(TEXTS)
