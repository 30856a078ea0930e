"""Folders that PEFT saved, as fine-tuned and as prompted models."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkpoints import bert, edit_weights, gpt2, roberta_like, word_pieces

from pytest_ood.data.examples import Dataset
from pytest_ood.errors import MissingDependencyError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context, is_at_hand

LABELS = ("negative", "neutral", "positive")
NAMES = {f"LABEL_{index}": label for index, label in enumerate(LABELS)}
TEXTS = ["a great film", "dull", "a very long movie with a slow ending"]
PROMPT = {"prompt": "Review: {text}\nSentiment:",
          "label_words": {"negative": "bad", "positive": "good"}}  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]


def adapted(
    base: Path, folder: Path, auto: str, *, kind: str = "LoraConfig", **options: Any
) -> Any:
    """Save an adapter with random weights, as PEFT's users do; return its network."""
    peft = pytest.importorskip("peft")
    import torch
    import transformers

    sizes = {"num_labels": 3, "ignore_mismatched_sizes": True} if "Sequence" in auto else {}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = getattr(transformers, auto).from_pretrained(base, **sizes)
        own = {"r": 4, "init_lora_weights": False} if kind == "LoraConfig" else {}
        model = peft.get_peft_model(network, getattr(peft, kind)(**own, **options))
    model.save_pretrained(folder)
    return model.eval()


@pytest.fixture
def classifier(tmp_path: Path) -> tuple[Path, Any]:
    """Return the folder of an adapter of a bare BERT with three labels, and its network."""
    base = bert(tmp_path / "base", "BertModel")
    network = adapted(
        base, tmp_path / "adapter", "AutoModelForSequenceClassification",
        task_type="SEQ_CLS", target_modules=["query", "value"],
    )  # fmt: skip
    return tmp_path / "adapter", network


@pytest.fixture
def context(tmp_path: Path, context_of: Callable[..., Context]) -> Context:
    """Return a context with three labels."""
    return context_of(tmp_path, labels=LABELS)


def finetuned(folder: Path, context: Context, **options: Any) -> Any:
    """Name a folder as a fine-tuned model."""
    return adapter("finetuned").build(
        str(folder), context, device="cpu", **{"labels": NAMES, **options}
    )


def settings(folder: Path, **values: Any) -> None:
    """Change the configuration of an adapter."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_fine_tuned_adapter_answers_as_peft_does(
    classifier: tuple[Path, Any], context: Context
) -> None:
    """With its own number of labels, and the tokenizer of its base; nothing is merged before."""
    import torch

    folder, network = classifier
    model = finetuned(folder, context)
    assert not is_at_hand(model)
    assert model.source == f"{folder}, an adapter of {folder.parent / 'base'}"
    fingerprint = model.fingerprint
    assert not (context.cache / "models").exists()
    answers = model.predict(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        with torch.inference_mode():
            encoded = word_pieces()(text, return_tensors="pt")
            scores = network(**encoded).logits.softmax(-1)[0].tolist()
        assert answer.scores == pytest.approx(dict(zip(LABELS, scores, strict=True)), abs=2e-4)
    again = finetuned(folder, context)
    assert is_at_hand(again)
    assert again.predict(TEXTS) == answers
    assert again.fingerprint == fingerprint


def test_the_fingerprint_is_of_the_adapter_and_of_its_base(
    classifier: tuple[Path, Any], context: Context
) -> None:
    """A change of either is another model, which is merged anew."""
    folder, _ = classifier
    first = finetuned(folder, context)
    answers = first.predict(TEXTS)
    edit_weights(folder.parent / "base", lambda weights: {k: v * 1.5 for k, v in weights.items()})
    second = finetuned(folder, context)
    assert second.fingerprint != first.fingerprint
    assert second.predict(TEXTS) != answers
    settings(folder, lora_alpha=64)
    third = finetuned(folder, context)
    assert len({first.fingerprint, second.fingerprint, third.fingerprint}) == 3


def test_labels_saved_beside_an_adapter_are_its_own(
    classifier: tuple[Path, Any], context: Context
) -> None:
    """Without them its outputs have no names, and the message says so."""
    folder, _ = classifier
    with pytest.raises(ModelError, match="its label 'LABEL_0' is none of the task's"):
        finetuned(folder, context, labels=None).predict(TEXTS)
    expected = finetuned(folder, context).predict(TEXTS)
    names = dict(enumerate(LABELS))
    (folder / "config.json").write_text(json.dumps({"id2label": names}))
    assert finetuned(folder, context, labels=None).predict(TEXTS) == expected


def test_heads_of_two_layers_are_counted_by_the_last(tmp_path: Path, context: Context) -> None:
    """RoBERTa's head has a square matrix before that of the labels."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 32, "max_position_embeddings": 40}  # fmt: skip
    base = roberta_like(tmp_path / "base", "Roberta", **sizes)
    adapted(base, tmp_path / "adapter", "AutoModelForSequenceClassification", task_type="SEQ_CLS")
    (answer,) = finetuned(tmp_path / "adapter", context).predict(["good"])
    assert set(answer.scores) == set(LABELS)


def test_a_prompted_adapter_answers_as_its_merged_model(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """The same as the folder into which PEFT merges it, and otherwise than its base."""
    import shutil

    context = context_of(tmp_path)
    base = gpt2(tmp_path / "base", "GPT2LMHeadModel")
    network = adapted(base, tmp_path / "adapter", "AutoModelForCausalLM", task_type="CAUSAL_LM")
    network.merge_and_unload().save_pretrained(tmp_path / "merged")
    for path in base.glob("tokenizer*"):
        shutil.copy(path, tmp_path / "merged")
    build = adapter("prompted").build
    own, merged, bare = (
        build(name, context, device="cpu", **PROMPT) for name in ("adapter", "merged", "base")
    )
    assert own.source == f"adapter, an adapter of {base}"
    assert not is_at_hand(own)
    assert own.estimate(TEXTS) == merged.estimate(TEXTS)
    for one, other in zip(own.predict(TEXTS), merged.predict(TEXTS), strict=True):
        assert one.scores == pytest.approx(other.scores, abs=2e-4)
    assert own.predict(TEXTS) != bare.predict(TEXTS)
    assert len({own.fingerprint, merged.fingerprint, bare.fingerprint}) == 3
    assert is_at_hand(own)


def test_a_base_is_found_beside_its_adapter(classifier: tuple[Path, Any], context: Context) -> None:
    """Or under the project's folder; a path of another machine is an error that says what to do."""
    folder, _ = classifier
    expected = finetuned(folder, context).predict(TEXTS)
    for name in ("../base", "base"):
        settings(folder, base_model_name_or_path=name)
        assert finetuned(folder, context).predict(TEXTS) == expected
    settings(folder, base_model_name_or_path="/elsewhere/base")
    with pytest.raises(ModelError) as caught:
        finetuned(folder, context).predict(TEXTS)
    message = str(caught.value)
    assert message.startswith("model 'model': ")
    assert "for the base '/elsewhere/base', which is neither a folder" in message
    assert "correct base_model_name_or_path in its adapter_config.json" in message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"base_model_name_or_path": None}, "names no base; write its hub id or folder there"),
        ({"peft_type": None}, "names no `peft_type`: it is damaged"),
        ({"task_type": "CAUSAL_LM"}, "for the task CAUSAL_LM, and the model is loaded as Sequence"),
        ({"task_type": "FEATURE_EXTRACTION"}, "call it in a function of yours: callable"),
        ({"r": 7}, "cannot be loaded as an adapter of PEFT: RuntimeError"),
        ({"target_modules": ["query", "key"]}, "no weights for base_model.model.bert.encoder.lay"),
    ],
)
def test_what_is_no_adapter_of_a_classifier_is_refused(
    values: dict[str, Any], message: str, classifier: tuple[Path, Any], context: Context
) -> None:
    """The message has the folder, and nothing is written."""
    folder, _ = classifier
    settings(folder, **values)
    with pytest.raises(ModelError) as caught:
        finetuned(folder, context).predict(TEXTS)
    assert message in str(caught.value)
    assert not list((context.cache / "models").glob("[!.]*")) if context.cache.exists() else True


def test_an_adapter_without_a_head_is_refused(tmp_path: Path, context: Context) -> None:
    """Its base has none, so that the head would be random."""
    base = bert(tmp_path / "base", "BertModel")
    adapted(base, tmp_path / "adapter", "AutoModelForSequenceClassification",
            target_modules=["query"])  # fmt: skip
    with pytest.raises(ModelError, match=r"it has no weights for classifier\.bias, clas"):
        finetuned(tmp_path / "adapter", context).predict(TEXTS)


def test_adapters_that_add_tokens_are_refused(tmp_path: Path, context: Context) -> None:
    """They cannot be merged."""
    base = bert(tmp_path / "base")
    adapted(base, tmp_path / "adapter", "AutoModelForSequenceClassification",
            kind="PromptTuningConfig", task_type="SEQ_CLS", num_virtual_tokens=2)  # fmt: skip
    with pytest.raises(ModelError, match="PROMPT_TUNING, which adds tokens to each prompt"):
        finetuned(tmp_path / "adapter", context).predict(TEXTS)


def test_an_adapter_without_its_weights_is_refused(
    classifier: tuple[Path, Any], context: Context
) -> None:
    """Older files of torch run code when they are read."""
    folder, _ = classifier
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"without adapter_model\.safetensors"):
        finetuned(folder, context).predict(TEXTS)


def test_without_peft_the_extra_is_named(
    classifier: tuple[Path, Any], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the pip command."""
    folder, _ = classifier
    monkeypatch.setitem(sys.modules, "peft", None)
    message = r'needs the package \'peft\', .* Run: pip install "pytest-ood\[peft\]"'
    with pytest.raises(MissingDependencyError, match=message):
        finetuned(folder, context).predict(TEXTS)


def test_an_adapter_is_trained_further(
    classifier: tuple[Path, Any], context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """Merged with its base, it is a base."""
    folder, _ = classifier
    rows = [(f"{word} film", label) for word, label in zip(("dull", "long", "great"), LABELS,
                                                           strict=True)] * 4  # fmt: skip
    context = context_of(tmp_path, Dataset.from_pairs("train", rows), labels=LABELS)
    model = finetuned(folder, context, labels=None, train="train.csv", epochs=1)
    assert model.predict(["great film"])[0].label in LABELS
    assert "fine-tuned here on 12 examples" in model.source
