"""Classifiers that were exported here, run by ONNX Runtime."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from checkpoints import bert, changed, distilbert, export, typed

from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, MissingDependencyError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context, is_at_hand
from pytest_ood.tasks import QuestionAnswering

TEXTS: list[Inputs] = [
    "a great film", "dull", "a very long film with an ending that is quite great" + " dull" * 9, "",
]  # fmt: skip
PAIR: Inputs = {"first": "a great film", "second": "dull"}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


KINDS: dict[str, Callable[[Path], Path]] = {
    "bert": lambda folder: export(bert(folder)),
    "token types": lambda folder: export(typed(bert(folder))),
    "distilbert": lambda folder: export(distilbert(folder)),
    "one text at a time": lambda folder: export(bert(folder), fixed="batch"),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives the folder of an export by its name; each is made once."""

    @cache
    def made(name: str) -> Path:
        return KINDS[name](tmp_path_factory.mktemp("exported") / "model")

    return made


def build(folder: Path, context: Context, **options: Any) -> Any:
    """Name an export."""
    return adapter("onnx").build(str(folder), context, **{"device": "cpu", **options})


@pytest.mark.parametrize("name", KINDS)
def test_an_export_answers_as_torch_does(
    name: str, exported: Callable[[str], Path], context: Context
) -> None:
    """Its logits are within 1e-4, padded or not, of one text and of two."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = exported(name)
    inputs = [*TEXTS, PAIR]
    model = build(folder, context)
    rows = model._encode(inputs)  # noqa: SLF001 - logits are no part of an answer
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for batch in model._batches(rows):  # noqa: SLF001 - likewise
        logits = model._logits([rows[index] for index in batch])  # noqa: SLF001 - likewise
        for index, own in zip(batch, logits.tolist(), strict=True):
            given = {k: torch.tensor([v]) for k, v in rows[index].items()}
            with torch.inference_mode():
                (other,) = network(**given).logits.tolist()
            assert own == pytest.approx(other, abs=1e-4)
    checkpoint = adapter("finetuned").build(str(folder), context, device="cpu")
    for own, other in zip(model.predict(inputs), checkpoint.predict(inputs), strict=True):
        assert own.label == other.label
        assert own.scores == pytest.approx(other.scores, abs=2e-4)


def test_a_batch_answers_as_one_by_one(exported: Callable[[str], Path], context: Context) -> None:
    """Padding and neighbours decide nothing."""
    for name in ("bert", "one text at a time"):
        model = build(exported(name), context)
        together = model.predict(TEXTS)
        assert len({tuple(answer.scores.values()) for answer in together}) > 2
        for text, answer in zip(TEXTS, together, strict=True):
            (alone,) = build(exported(name), context).predict([text])
            assert answer.scores == pytest.approx(alone.scores, abs=2e-4)


def test_weights_that_are_quantised_by_the_batch_get_no_neighbours(
    exported: Callable[[str], Path], context: Context
) -> None:
    """A scale for a whole batch lets an answer hang on the other texts in it."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    folder = exported("bert")
    quantization.quantize_dynamic(folder / "model.onnx", folder / "small.onnx")
    model = build(folder, context, file="small.onnx")
    together = model.predict(TEXTS)
    for text, answer in zip(TEXTS, together, strict=True):
        assert build(folder, context, file="small.onnx").predict([text]) == [answer]
    assert model.source == f"{folder}/small.onnx (ONNX)"
    assert model.fingerprint != build(folder, context).fingerprint


def test_the_fingerprint_is_of_the_export_and_its_weights(tmp_path: Path, context: Context) -> None:
    """Also where the weights are in a file of their own."""
    onnx = pytest.importorskip("onnx")
    folder = export(bert(tmp_path / "model"))
    model = build(folder, context)
    assert is_at_hand(model)
    assert model.fingerprint == build(folder, context).fingerprint
    expected = model.predict(TEXTS)
    network = onnx.load(folder / "model.onnx")
    onnx.save_model(
        network, folder / "apart.onnx", save_as_external_data=True, location="weights.data",
        size_threshold=0,
    )  # fmt: skip
    apart = build(folder, context, file="apart.onnx")
    assert apart.predict(TEXTS) == expected
    before = apart.fingerprint
    weights = folder / "weights.data"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    assert build(folder, context, file="apart.onnx").fingerprint != before


def test_labels_are_named_as_those_of_a_checkpoint(tmp_path: Path, context: Context) -> None:
    """Without names in config.json, `labels` has them."""
    folder = export(bert(tmp_path / "model", id2label=None, label2id=None))
    with pytest.raises(ModelError, match="its label 'LABEL_0' is none of the task's"):
        build(folder, context).predict(TEXTS)
    names = {"LABEL_0": "positive", "LABEL_1": "negative"}
    (answer,) = build(folder, context, labels=names).predict(["great"])
    assert set(answer.scores) == {"negative", "positive"}


def test_a_base_or_another_number_of_labels_is_refused(tmp_path: Path, context: Context) -> None:
    """The message has the shape of the output, and how to export."""
    folder = export(bert(tmp_path / "base"), output="states")
    with pytest.raises(ModelError, match=r"an output of the shape \(\d, \d+, 32\) .* --task t"):
        build(folder, context).predict(["great"])
    wide = bert(tmp_path / "wide", id2label={0: "negative", 1: "positive", 2: "neutral"})
    other = changed(export(wide), tmp_path / "copy", id2label={"0": "negative", "1": "positive"},
                    label2id={"negative": 0, "positive": 1})  # fmt: skip
    with pytest.raises(ModelError, match=r"the shape \(1, 3\) for 1 texts, and its"):
        build(other, context).predict(["great"])
    fixed = export(bert(tmp_path / "fixed"), fixed="sequence")
    with pytest.raises(ModelError, match="takes 5 tokens and no other number"):
        build(fixed, context).predict(["great"])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "model.onnx").write_bytes(b"x"),
            "cannot be loaded as an ONNX",
        ),
        (lambda folder: (folder / "model.onnx").rename(folder / "b.onnx"), "which holds b.onnx"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "holds no tokenizer"),
        (lambda folder: (folder / "config.json").unlink(), "cannot be loaded as"),
    ],
)
def test_what_is_missing_is_named(
    damage: Callable[[Path], object], message: str, exported: Callable[[str], Path],
    context: Context, tmp_path: Path,
) -> None:  # fmt: skip
    """Export, tokenizer and configuration are one folder."""
    folder = changed(exported("bert"), tmp_path / "copy")
    damage(folder)
    for name in ("tokenizer_config.json",) if "tokenizer" in message else ():
        (folder / name).unlink()
    with pytest.raises(ModelError, match=message):
        build(folder, context).predict(TEXTS)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("nowhere", {}, "there is no folder .*nowhere"),
        ("model.onnx", {}, 'is a file; name its folder, .* by file = "model.onnx"'),
        (".", {"device": "tpu"}, "unknown device 'tpu'"),
        (".", {"labels": {"A": "pos"}}, r"labels.A: unknown label 'pos'"),
        (".", {"batch_size": 0}, "batch_size = 0 has to be 1 or more"),
    ],
)
def test_a_wrong_value_is_refused_at_once(
    source: str, options: dict[str, Any], message: str, context: Context
) -> None:
    """Nothing is loaded before."""
    (context.root / "model.onnx").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=message):
        adapter("onnx").build(source, context, **options)


def test_a_task_without_labels_is_refused(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """A classifier predicts labels."""
    context = context_of(tmp_path, task=QuestionAnswering("closed-book-qa"))
    with pytest.raises(ConfigurationError, match="the task closed-book-qa has none"):
        adapter("onnx").build(".", context)


def test_an_export_alone_is_no_checkpoint(
    exported: Callable[[str], Path], context: Context, tmp_path: Path
) -> None:
    """`finetuned` says under which key it runs."""
    folder = changed(exported("bert"), tmp_path / "copy")
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        ModelError, match=r'is an ONNX export \(.*\.onnx\) .* write onnx = "FOLDER"'
    ):
        adapter("finetuned").build(str(folder), context, device="cpu").predict(TEXTS)


def test_without_the_runtime_the_extra_is_named(
    exported: Callable[[str], Path], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the pip command."""
    model = build(exported("bert"), context)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    message = r'needs the package \'onnxruntime\', .* Run: pip install "pytest-ood\[onnx\]"'
    with pytest.raises(MissingDependencyError, match=message):
        model.predict(TEXTS)
