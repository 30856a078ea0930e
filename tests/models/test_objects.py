"""Models of other libraries, each as one argument of the fixture or one line of configuration.

spaCy and SetFit are no dependencies of the tests: theirs skip without them, and objects of the same
shape stand in for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import bert

from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models import adapter, as_model
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.protocol import Context
from pytest_ood.models.sklearn import SklearnModel
from pytest_ood.tasks import Prediction

LABELS = ("negative", "positive")
TEXTS = ["a wonderful film", "a dull film"]
PAIR: Inputs = {"premise": "a great film", "hypothesis": "dull"}
FASTTEXT = Path(__file__).parent / "fasttext_words.bin"
"""Trained by fasttext 0.9.2 on "a wonderful film" and "a dull film", four dimensions."""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a very small classifier."""
    return bert(tmp_path_factory.mktemp("bert") / "model")


def piped(folder: Path, **options: Any) -> Any:
    """Return a pipeline of transformers as a user makes one."""
    transformers = pytest.importorskip("transformers")
    return transformers.pipeline("text-classification", model=str(folder), **options)


@pytest.mark.slow
def test_a_pipeline_is_a_model(folder: Path, context: Context) -> None:
    """It gives the probabilities of all labels, as the checkpoint itself does; also of pairs."""
    pipeline = piped(folder)
    model = as_model(pipeline, LABELS)
    assert isinstance(model, CallableModel)
    assert (model.name, model.paradigm) == ("TextClassificationPipeline", "fine-tuned")
    assert model.source == "transformers TextClassificationPipeline"
    checkpoint = adapter("finetuned").build(str(folder), context, device="cpu", max_length=140)
    inputs: list[Inputs] = [*TEXTS, PAIR, "a great film " * 100]
    for own, other in zip(model.predict(inputs), checkpoint.predict(inputs), strict=True):
        assert own.scores == pytest.approx(other.scores, abs=2e-4)
    with pytest.raises(ConfigurationError, match="takes one or two fields, not 3"):
        model.predict([{"a": "x", "b": "y", "c": "z"}])


def test_a_function_may_return_the_output_of_a_pipeline(folder: Path) -> None:
    """With the likeliest label, and with all of them."""
    pipeline = piped(folder)
    whole = as_model(pipeline, LABELS).predict(TEXTS)
    everything = as_model(lambda texts: pipeline(texts, top_k=None), LABELS)
    assert everything.predict(TEXTS) == whole
    likeliest = as_model(pipeline.predict, LABELS)
    assert likeliest.predict(TEXTS) == [Prediction(answer.label) for answer in whole]
    assert as_model(lambda texts: pipeline(texts, top_k=1), LABELS).predict(TEXTS) == (
        likeliest.predict(TEXTS)
    )


def test_the_options_of_a_pipeline_are_kept(folder: Path) -> None:
    """Its own truncation is that of every call."""
    texts: list[Inputs] = ["a great film", "a great film dull dull dull"]
    first, second = as_model(piped(folder, truncation=True, max_length=5), LABELS).predict(texts)
    assert first == second
    first, second = as_model(piped(folder), LABELS).predict(texts)
    assert first != second


def test_a_pipeline_with_other_labels(tmp_path: Path) -> None:
    """Case is no difference; other names are one, which `labels` names."""
    upper = {"id2label": {0: "NEGATIVE", 1: "POSITIVE"}, "label2id": {"NEGATIVE": 0, "POSITIVE": 1}}
    model = as_model(piped(bert(tmp_path / "upper", **upper)), LABELS)
    assert {answer.label for answer in model.predict(TEXTS)} <= {*LABELS}
    unnamed = piped(bert(tmp_path / "unnamed", id2label=None, label2id=None))
    with pytest.raises(ModelError, match=r"its label 'LABEL_\d' is none of the task's"):
        as_model(unnamed, LABELS).predict(TEXTS)
    names = {"LABEL_0": "negative", "LABEL_1": "positive"}
    named = CallableModel("m", unnamed, labels=LABELS, label_names=names)
    assert [{*answer.scores} for answer in named.predict(TEXTS)] == [{*LABELS}] * 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"problem_type": "multi_label_classification"}, "its head answers for each label by its"),
        ({"num_labels": 1, "id2label": None, "label2id": None}, "its head answers with a number"),
    ],
)
def test_a_pipeline_without_one_label_a_text_is_refused(
    values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """As the checkpoint itself."""
    model = as_model_or_error(piped(bert(tmp_path / "other", **values)))
    assert message in model


def as_model_or_error(value: Any) -> str:
    """Return why a value is no model."""
    with pytest.raises((ConfigurationError, ModelError)) as caught:
        as_model(value, LABELS)
    return str(caught.value)


def test_a_pipeline_for_another_task_is_refused(tmp_path: Path) -> None:
    """The message has its task, and what to do."""
    transformers = pytest.importorskip("transformers")
    masked = bert(tmp_path / "masked", "BertForMaskedLM")
    message = as_model_or_error(transformers.pipeline("fill-mask", model=str(masked)))
    assert "it is a pipeline of transformers for fill-mask, and text-classification is" in message


def test_a_pipeline_is_configured(folder: Path, context: Context) -> None:
    """`callable = "module:name"` of a pipeline is one line."""
    (context.root / "holds_pipeline.py").write_text(
        f"import transformers\npipe = transformers.pipeline('text-classification', {str(folder)!r})"
    )
    model = adapter("callable").build("holds_pipeline:pipe", context)
    expected = as_model(piped(folder), LABELS).predict([*TEXTS, PAIR])
    assert model.predict([*TEXTS, PAIR]) == expected


@pytest.mark.slow
def test_a_spacy_pipeline_is_a_model(context: Context, tmp_path: Path) -> None:
    """A trained `textcat` answers with doc.cats: itself, and functions that call it."""
    spacy = pytest.importorskip("spacy")
    from spacy.training import Example

    nlp = spacy.blank("en")
    categories = nlp.add_pipe("textcat")
    for label in LABELS:
        categories.add_label(label)
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"positive": good, "negative": 1.0 - good}})
        for text, good in zip(TEXTS * 8, (1.0, 0.0) * 8, strict=True)
    ]
    nlp.initialize(lambda: examples)
    for _ in range(10):
        nlp.update(examples)
    model = as_model(nlp, LABELS)
    answers = model.predict(TEXTS)
    assert [answer.label for answer in answers] == ["positive", "negative"]
    assert answers[0].scores == pytest.approx(dict(nlp(TEXTS[0]).cats), abs=1e-4)
    assert (model.name, model.source, model.paradigm) == ("English", "spaCy English", "fine-tuned")
    assert as_model(nlp.pipe, LABELS).predict(TEXTS) == answers
    assert (
        as_model(lambda texts: [nlp(text).cats for text in texts], LABELS).predict(TEXTS) == answers
    )
    nlp.to_disk(tmp_path / "spacy")
    (context.root / "holds_spacy.py").write_text(
        f"import spacy\nnlp = spacy.load({str(tmp_path / 'spacy')!r})\n"
    )
    assert adapter("callable").build("holds_spacy:nlp", context).predict(TEXTS) == answers
    several = spacy.blank("en")
    independent = several.add_pipe("textcat_multilabel")
    for label in LABELS:
        independent.add_label(label)
    several.initialize()
    with pytest.raises(ModelError, match="`textcat_multilabel` scores each label by itself"):
        as_model(several, LABELS).predict(TEXTS)
    with pytest.raises(ModelError, match=r"doc\.cats is empty"):
        as_model(spacy.blank("en"), LABELS).predict(TEXTS)


def test_a_fasttext_model_is_a_model(context: Context) -> None:
    """The model itself, and functions that return what it returns; fields are one line."""
    fasttext = pytest.importorskip("fasttext")
    own = fasttext.load_model(str(FASTTEXT))
    model = as_model(own, LABELS)
    answers = model.predict(TEXTS)
    assert [answer.label for answer in answers] == ["positive", "negative"]
    assert answers[0].scores == pytest.approx({"negative": 0.0, "positive": 1.0}, abs=1e-3)
    assert model.source == "fastText"
    assert [a.label for a in as_model(own.predict, LABELS).predict(TEXTS)] == [
        answer.label for answer in answers
    ]
    pair: Inputs = {"title": "a wonderful", "body": "film\nfilm"}
    assert model.predict([pair]) == model.predict(["a wonderful film film"])
    with pytest.raises(ModelError, match="its label 'positive' is none of the task's"):
        as_model(own, ("spam", "ham")).predict(TEXTS)
    (context.root / "holds_fasttext.py").write_text(
        f"import fasttext\nmodel = fasttext.load_model({str(FASTTEXT)!r})\n"
    )
    assert adapter("callable").build("holds_fasttext:model", context).predict(TEXTS) == answers


class Tensor(np.ndarray[Any, Any]):
    """An array under the methods of a tensor."""

    def detach(self) -> Tensor:
        """Return itself."""
        return self

    def cpu(self) -> Tensor:
        """Return itself."""
        return self

    def is_floating_point(self) -> bool:
        """Return whether it is of floats."""
        return self.dtype.kind == "f"

    def float(self) -> Tensor:
        """Return it as float32."""
        return self.astype(np.float32).view(Tensor)


@dataclass
class Predicting:
    """An object with `predict` and `predict_proba`, and nothing else of scikit-learn."""

    labels: list[str] | None = None
    asked: list[list[str]] = field(default_factory=list)

    def _scores(self, texts: list[str]) -> Any:
        self.asked.append(texts)
        return np.array([[0.25, 0.75] if "wonderful" in t else [0.75, 0.25] for t in texts])

    def predict(self, texts: list[str]) -> Any:
        """Return labels, or a tensor of class indices."""
        indices = self._scores(texts).argmax(-1)
        return [self.labels[i] for i in indices] if self.labels else indices.view(Tensor)

    def predict_proba(self, texts: list[str]) -> Any:
        """Return a tensor of probabilities."""
        return self._scores(texts).view(Tensor)


@pytest.mark.parametrize("labels", [None, ["NEGATIVE", "POSITIVE"], ["negative", "positive"]])
def test_an_object_with_predict_is_a_model(labels: list[str] | None) -> None:
    """Its classes are its `labels`, or else those of the suite in their order."""
    own = Predicting(labels)
    model = as_model(own, LABELS)
    assert isinstance(model, SklearnModel)
    assert model.predict(TEXTS) == [
        Prediction("positive", {"negative": 0.25, "positive": 0.75}),
        Prediction("negative", {"negative": 0.75, "positive": 0.25}),
    ]
    assert own.asked == [TEXTS, TEXTS]
    assert model.name == "Predicting"
    assert model.fingerprint is None


def test_class_indices_need_an_order() -> None:
    """Of labels that data have, none is known."""
    with pytest.raises(ModelError, match=r"a class index needs the labels in the order.*labels=\["):
        as_model(Predicting(), LABELS, ordered=False).predict(TEXTS)
    named = as_model(Predicting(["negative", "positive"]), LABELS, ordered=False)
    assert [answer.label for answer in named.predict(TEXTS)] == ["positive", "negative"]


def test_a_network_s_predict_returns_probabilities() -> None:
    """As Keras does."""

    class Network:
        def fit(self, texts: list[str], labels: list[int]) -> None:
            """Learn nothing."""

        def predict(self, texts: list[str]) -> Any:
            """Return a row for each text."""
            return np.array([[0.25, 0.75] for _ in texts], np.float32)

    assert as_model(Network(), LABELS).predict(["x"]) == [
        Prediction("positive", {"negative": 0.25, "positive": 0.75})
    ]
    three = ("a", "b", "c")
    with pytest.raises(ModelError, match="it predicts 2 outputs for a text"):
        as_model(Network(), three).predict(["x"])


@pytest.mark.slow
def test_setfit_is_a_model(tmp_path: Path) -> None:
    """With labels it predicts those, and otherwise a tensor of indices."""
    setfit = pytest.importorskip("setfit")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from sklearn.linear_model import LogisticRegression

    body = Transformer(str(bert(tmp_path / "body", "BertModel")))
    encoder = SentenceTransformer(modules=[body, Pooling(32)])
    vectors = encoder.encode(TEXTS * 4)
    for labels, classes in ((None, [1, 0] * 4), (["negative", "positive"], [1, 0] * 4),
                            (None, ["positive", "negative"] * 4)):  # fmt: skip
        head = LogisticRegression(C=1e4).fit(vectors, classes)
        own = setfit.SetFitModel(model_body=encoder, model_head=head, labels=labels)
        model = as_model(own, LABELS)
        answers = model.predict(TEXTS)
        assert [answer.label for answer in answers] == ["positive", "negative"]
        expected = dict(zip(LABELS, own.predict_proba(TEXTS)[0].tolist(), strict=True))
        assert answers[0].scores == pytest.approx(expected, abs=1e-4)


def test_a_function_that_can_be_called_is_called() -> None:
    """An object with `predict` that is called itself, and no estimator, answers by that."""

    class Both:
        def __call__(self, texts: list[str]) -> list[str]:
            return ["positive" for _ in texts]

        def predict(self, texts: list[str]) -> list[str]:
            raise AssertionError(texts)

    assert as_model(Both(), LABELS).predict(["x"]) == [Prediction("positive")]
