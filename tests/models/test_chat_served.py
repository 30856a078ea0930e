"""One prompt file, one checkpoint: behind `transformers serve` and in this process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_checkpoints import PROMPT, SHOWN, SPECIAL, WORDS, save_chat_model
from transformers_server import transformers_serving

from pytest_ood.data.inputs import Inputs
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context

pytestmark = pytest.mark.slow

LONGEST = 8
SAID = ("good", "bad", "film", "plot", "a", "the", "caf\u00e9", "\n", "<b>", "?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: ARG001
    """Return a chat model whose configuration knows the end of its turn, as servers need it."""
    folder = save_chat_model(tmp_path_factory.mktemp("served"), "chatml")
    path = folder / "generation_config.json"
    ends = [SPECIAL.index("</s>"), SPECIAL.index("<|im_end|>")]
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": ends}))
    return folder


def test_local_answers_are_those_of_a_server(
    folder: Path, context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """On 200 texts, instruction, demonstrations and end of the turn included, word for word."""
    rng = random.Random(0)
    texts: list[Inputs] = [" ".join(rng.choices(SAID, k=1 + n % 9)) for n in range(200)]
    options = {"prompt": PROMPT, "demonstrations": SHOWN, "label_words": WORDS}
    local = adapter("prompted").build(
        str(folder), context_of(tmp_path), **options, answer="generated", max_new_tokens=LONGEST,
        device="cpu",
    )  # fmt: skip
    with transformers_serving(folder, tmp_path / "serve.log") as url:
        served = adapter("openai").build(
            str(folder), context_of(tmp_path), **options, base_url=url, max_tokens=LONGEST
        )
        expected = served.predict(texts)
    answers = local.predict(texts)
    assert [a.text for a in answers] == [(a.text or "").lstrip() for a in expected]
    assert [answer.label for answer in answers] == [answer.label for answer in expected]
    assert len({answer.text for answer in answers}) > 50
