"""Every row of the table of checkpoints in docs/models.md, on a very small one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from checkpoints import (
    CLASSIFIERS,
    SIZES,
    bert,
    byte_pairs,
    changed,
    gpt2,
    llama,
    mistral,
    roberta_like,
    t5,
    typed,
)

from pytest_ood.data.inputs import Inputs, fields_of
from pytest_ood.errors import ModelError
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context

GUIDE = Path(__file__).parents[2] / "docs" / "models.md"
TEXTS: tuple[Inputs, ...] = ("a great film", "dull", "a very long movie with a slow ending " * 8)
PAIR: tuple[Inputs, ...] = ({"first": "a great film", "second": "dull"},)
LABELS = ("negative", "positive")
THREE = ("negative", "neutral", "positive")
UNNAMED = {"id2label": None, "label2id": None}

pytestmark = pytest.mark.usefixtures("one_thread")


def _names(*labels: Any) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: n for n, label in enumerate(labels)},
    }


def _halved(folder: Path, dtype: str) -> Path:
    import torch
    from transformers import AutoModelForSequenceClassification

    network = AutoModelForSequenceClassification.from_pretrained(bert(folder))
    network.to(getattr(torch, dtype)).save_pretrained(folder)
    return folder


def _in_shards(folder: Path) -> Path:
    from transformers import AutoModelForSequenceClassification

    network = AutoModelForSequenceClassification.from_pretrained(bert(folder))
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 1
    return folder


def _older(folder: Path) -> Path:
    import torch
    from safetensors.torch import load_file

    weights = load_file(bert(folder) / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


def _without_tokenizer(folder: Path) -> Path:
    bert(folder)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    return folder


def _of_another(folder: Path) -> Path:
    byte_pairs(["<x>"]).save_pretrained(bert(folder))
    return folder


def _own_code(folder: Path) -> Path:
    named = {"AutoModelForSequenceClassification": "own.OwnClassifier"}
    return changed(bert(folder.parent / "before"), folder, auto_map=named)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A checkpoint.

    Attributes:
        make: Saves it in a folder.
        inputs: What it is asked.
        labels: Of the suite.
        options: Of the configuration.
        order: The label of each output of the network.
        longest: The most tokens of an input.
    """

    make: Callable[[Path], Path]
    inputs: Sequence[Inputs] = TEXTS
    labels: tuple[str, ...] = LABELS
    options: Mapping[str, Any] = field(default_factory=dict)
    order: Sequence[str] = LABELS
    longest: int = 140


SHAPES = {
    "the labels of the suite in `id2label`": Shape(make=bert),
    "labels in other case": Shape(make=lambda f: bert(f, **_names("NEGATIVE", "Positive"))),
    "labels in another order": Shape(
        make=lambda f: bert(f, **_names("positive", "negative")), order=LABELS[::-1]
    ),
    "labels that are numbers": Shape(
        make=lambda f: changed(bert(f.parent / "before"), f, **_names(0, 1)),
        labels=("0", "1"),
        order=("0", "1"),
    ),
    "`id2label` missing": Shape(make=lambda f: bert(f, **UNNAMED)),
    "`LABEL_0` and `LABEL_1`, named by `labels`": Shape(
        make=lambda f: bert(f, **UNNAMED),
        options={"labels": {"LABEL_0": "positive", "LABEL_1": "negative"}},
        order=LABELS[::-1],
    ),
    "more labels than the suite": Shape(make=lambda f: bert(f, **_names(*THREE))),
    "more labels than the suite, named by `labels`": Shape(
        make=lambda f: bert(f, **_names(*THREE)),
        options={"labels": {"neutral": "negative"}},
        order=("negative", "negative", "positive"),
    ),
    "a label of the suite missing": Shape(make=bert, labels=THREE),
    "`id2label` and `label2id` that contradict each other": Shape(
        make=lambda f: changed(
            bert(f.parent / "before"), f, label2id={"negative": 1, "positive": 0}
        )
    ),
    "one output (regression)": Shape(make=lambda f: bert(f, num_labels=1, **UNNAMED)),
    '`problem_type = "regression"`': Shape(make=lambda f: bert(f, problem_type="regression")),
    "several labels for a text": Shape(
        make=lambda f: bert(f, problem_type="multi_label_classification")
    ),
    "no padding token": Shape(make=gpt2),
    "fp16 weights": Shape(make=lambda f: _halved(f, "float16")),
    "bf16 weights": Shape(make=lambda f: _halved(f, "bfloat16")),
    "weights in shards": Shape(make=_in_shards),
    "weights as `pytorch_model.bin`": Shape(make=_older),
    "a short position table": Shape(make=lambda f: bert(f, max_position_embeddings=12), longest=12),
    "a short position table that counts from the padding token (RoBERTa)": Shape(
        make=lambda f: roberta_like(f, "Roberta", **{**SIZES, "max_position_embeddings": 12}),
        longest=10,
    ),
    "token types": Shape(make=lambda f: typed(bert(f)), inputs=(*TEXTS, *PAIR)),
    "token types that the network lacks, for two fields": Shape(
        make=lambda f: typed(bert(f, type_vocab_size=1)), inputs=PAIR
    ),
    "token types that the network does not take (DistilBERT)": Shape(
        make=lambda f: typed(CLASSIFIERS["distilbert"](f)), inputs=(*TEXTS, *PAIR)
    ),
    "a decoder: GPT-2": Shape(make=gpt2),
    "a decoder: Llama": Shape(make=llama),
    "a decoder: Mistral": Shape(make=mistral),
    "an encoder-decoder: T5": Shape(make=t5, longest=256),
    "an encoder-decoder: BART": Shape(make=CLASSIFIERS["bart"]),
    "no head": Shape(make=lambda f: bert(f, "BertModel")),
    "another head": Shape(make=lambda f: bert(f, "BertForMaskedLM")),
    "no tokenizer": Shape(make=_without_tokenizer),
    "a tokenizer of another model": Shape(make=_of_another),
    "code of its own (`auto_map`)": Shape(make=_own_code),
}
"""By the first cell of the row."""


def rows() -> dict[str, str]:
    """Return the second cell of each row of the guide's table, by the first."""
    text = GUIDE.read_text(encoding="utf-8")
    table = text.partition("| checkpoint | outcome |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (.+?) \| (accepted.*|refused: `.+`) \|$", table, re.MULTILINE)
    return dict(cells)


def test_the_guide_has_a_row_for_each_shape() -> None:
    """And no other row."""
    assert list(rows()) == list(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_a_checkpoint_has_the_outcome_of_the_guide(
    name: str, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """An accepted one answers as its network does, and a refused one is told in these words."""
    shape = SHAPES[name]
    folder = shape.make(tmp_path / "model")
    context = context_of(tmp_path, labels=shape.labels)
    model = adapter("finetuned").build(str(folder), context, device="cpu", **shape.options)
    outcome, _, words = rows()[name].partition(": ")
    if outcome == "refused":
        with pytest.raises(ModelError) as caught:
            model.predict(shape.inputs)
        assert words.strip("`") in str(caught.value)
        return
    answers = model.predict(shape.inputs)
    for value, answer in zip(shape.inputs, answers, strict=True):
        expected = dict.fromkeys(shape.labels, 0.0)
        for label, score in zip(shape.order, network_scores(folder, value, shape), strict=True):
            expected[label] += score
        assert answer.scores == pytest.approx(expected, abs=2e-4)
        assert answer.label == max(answer.scores, key=lambda label: answer.scores[label])


def network_scores(folder: Path, value: Inputs, shape: Shape) -> list[float]:
    """Return the probabilities that transformers computes for one input, by itself."""
    import torch
    import transformers

    network = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32
    ).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(
        *fields_of(value).values(), truncation=True, max_length=shape.longest, return_tensors="pt"
    )
    names = {"input_ids", "attention_mask"}
    if json.loads((folder / "config.json").read_text()).get("type_vocab_size", 0) > 1:
        names.add("token_type_ids")
    with torch.inference_mode():
        logits = network(**{k: v for k, v in encoded.items() if k in names}).logits
    scores: list[float] = logits.softmax(-1)[0].tolist()
    return scores
