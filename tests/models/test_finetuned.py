"""A RoBERTa is really trained, saved, loaded and asked; only the sizes are small."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from pytest_ood.data.examples import Dataset
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.inference.cluster import ClusterSettings, RayRunner
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.models import adapter
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._torch import weight_count
from pytest_ood.models._training import FROM_SCRATCH, Job
from pytest_ood.models.protocol import Context, Facts, is_model
from pytest_ood.tasks import majority_share
from pytest_ood.utils.files import hash_files
from pytest_ood.utils.progress import Silent, Tracker

build = adapter("finetuned").build

GOOD = ("wonderful", "delightful", "superb", "brilliant")
BAD = ("terrible", "dreadful", "awful", "boring")
RECIPE = {"train": "train.jsonl", "epochs": 6, "learning_rate": 2e-3, "device": "cpu"}


@dataclass
class Noted:
    """A progress that notes what was announced and how far it got."""

    steps: list[tuple[str, int]] = field(default_factory=list)
    done: int = 0

    @contextmanager
    def track(self, what: str, total: int, unit: str, *, quick: bool = False) -> Iterator[Tracker]:
        """Note a step."""
        del unit, quick
        self.steps.append((what, total))
        yield self

    def update(self, done: int, note: str = "") -> None:
        """Note how far it is."""
        del note
        self.done = done


def sentences(name: str, count: int, seed: int) -> Dataset:
    """Make sentences whose label two words give away."""
    rng = random.Random(seed)
    pairs = []
    for number in range(count):
        words = GOOD if number % 2 else BAD
        text = (
            f"the {rng.choice(['film', 'plot', 'cast', 'ending'])} of number {number} "
            f"was {rng.choice(words)} and {rng.choice(words)}"
        )
        pairs.append((text, "positive" if number % 2 else "negative"))
    return Dataset.from_pairs(name, pairs)


TRAIN, TEST = sentences("train", 200, 0), sentences("test", 60, 1)


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    context_of: Callable[..., Context],
    one_thread: None,  # noqa: ARG001
) -> FinetunedModel:
    """Train a RoBERTa from scratch."""
    root = tmp_path_factory.mktemp("finetuned")
    model: FinetunedModel = build(FROM_SCRATCH, context_of(root, TRAIN), **RECIPE)
    assert model.folder.is_dir()
    return model


@pytest.fixture(scope="session")
def saved(trained: FinetunedModel) -> Path:
    """Return the trained model's folder."""
    return trained.folder


@pytest.fixture
def reloaded(saved: Path, context: Context) -> FinetunedModel:
    """Load the trained model as a folder that a user names."""
    model: FinetunedModel = build(str(saved), context, device="cpu")
    return model


def accuracy(model: FinetunedModel, data: Dataset) -> float:
    """Return the share of right answers."""
    answers = model.predict([example.inputs for example in data])
    right = [answer.label == example.label for answer, example in zip(answers, data, strict=True)]
    return sum(right) / len(right)


def relabelled(saved: Path, folder: Path, names: dict[int, str]) -> Path:
    """Copy a checkpoint under other label names."""
    shutil.copytree(saved, folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {str(index): name for index, name in names.items()}
    config["label2id"] = {name: index for index, name in names.items()}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.slow
def test_a_model_is_trained_saved_and_loaded(reloaded: FinetunedModel) -> None:
    """A RoBERTa trained here and loaded from its folder is far above the majority class."""
    assert accuracy(reloaded, TEST) > majority_share(TEST) + 0.2
    assert is_model(reloaded)
    transformers = pytest.importorskip("transformers")
    classifier = transformers.AutoModelForSequenceClassification.from_pretrained(reloaded.folder)
    assert type(classifier) is transformers.RobertaForSequenceClassification


def test_the_facts_of_an_encoder(trained: FinetunedModel, reloaded: FinetunedModel) -> None:
    """Its weights are counted, and the examples where it was trained here; its base is named."""
    transformers = pytest.importorskip("transformers")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(trained.folder)
    size = sum(weights.numel() for weights in network.parameters())
    assert trained.facts == Facts(base=FROM_SCRATCH, size=size, training_examples=len(TRAIN))
    assert reloaded.facts == Facts(base=str(trained.folder), size=size)


def test_loading_changes_no_answer(trained: FinetunedModel, reloaded: FinetunedModel) -> None:
    """The trained model and the one loaded from its folder are the same."""
    texts = [example.inputs for example in TEST]
    assert trained.predict(texts) == reloaded.predict(texts)
    assert trained.fingerprint == reloaded.fingerprint


def test_the_answer_is_what_transformers_says(reloaded: FinetunedModel, saved: Path) -> None:
    """Scores are the softmax over the outputs, one text at a time, without this package."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(saved)
    model = AutoModelForSequenceClassification.from_pretrained(saved).eval()
    texts = [str(example.inputs) for example in TEST.examples[:10]]
    for text, answer in zip(texts, reloaded.predict(texts), strict=True):
        with torch.inference_mode():
            row = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        assert list(answer.scores) == ["negative", "positive"]
        assert list(answer.scores.values()) == pytest.approx(row, abs=1e-3)


def test_what_a_model_sees_is_its_tokens(reloaded: FinetunedModel) -> None:
    """Texts that differ in what is cut off look the same, others do not; no weights are loaded."""
    long = "good " * 600
    first, longer, other, pair = reloaded.seen(
        [long, long + "bad", "bad " + long, {"premise": long, "hypothesis": "bad"}]
    )
    assert first == longer
    assert len({first, other, pair}) == 3
    assert "_loaded" not in vars(reloaded)


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_weights(
    trained: FinetunedModel, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """Trained again from the same data in another order, elsewhere, every file is the same."""
    other = build(FROM_SCRATCH, context_of(tmp_path, TRAIN), **RECIPE)
    assert hash_files([other.folder / "model.safetensors"]) == hash_files(
        [trained.folder / "model.safetensors"]
    )
    assert other.fingerprint == trained.fingerprint
    assert other.folder.name == trained.folder.name


def test_training_leaves_the_generators_alone(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """Training moves none of the global generators, and does not depend on them."""
    import torch

    def states() -> list[Any]:
        numpy_state = np.random.get_state()  # noqa: NPY002 - the global one
        return [random.getstate(), str(numpy_state), torch.get_rng_state().tolist()]

    small = Dataset("small", TRAIN.examples[:16])
    options = {**RECIPE, "epochs": 1}
    before = states()
    first = build(FROM_SCRATCH, context_of(tmp_path / "1", small), **options).fingerprint
    assert states() == before
    random.random()
    torch.rand(1)
    second = build(FROM_SCRATCH, context_of(tmp_path / "2", small), **options).fingerprint
    assert first == second


def test_a_second_build_trains_nothing(
    trained: FinetunedModel, context_of: Callable[..., Context]
) -> None:
    """A model whose recipe is in the cache is there at once; another recipe is trained."""
    noted = Noted()
    root = trained.context.root
    again = build(FROM_SCRATCH, context_of(root, TRAIN, progress=noted), **RECIPE)
    assert again.fingerprint == trained.fingerprint
    assert noted.steps == []


def test_training_is_announced(tmp_path: Path, context_of: Callable[..., Context]) -> None:
    """The step names model, size and number of steps, and gets to its end."""
    noted = Noted()
    small = Dataset("small", TRAIN.examples[:10])
    context = context_of(tmp_path, small, progress=noted)
    build(FROM_SCRATCH, context, **{**RECIPE, "epochs": 2}, train_batch_size=4).fingerprint  # noqa: B018 - trains
    assert noted.steps == [("fine-tuning model on 10 examples", 6)]
    assert noted.done == 6
    left = [path.name for path in (tmp_path / "cache" / "models").iterdir()]
    assert not [name for name in left if "training" in name], "no scratch folder is left"


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 1},
        {"learning_rate": 1e-3},
        {"train_batch_size": 16},
        {"train_seed": 1},
        {"max_length": 128},
    ],
    ids=str,
)
def test_another_recipe_is_another_model(
    change: dict[str, Any],
    context_of: Callable[..., Context],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything that changes the weights leads to another folder; device and batch size do not."""

    def pretend(job: Job, folder: Path) -> None:
        del job, folder

    monkeypatch.setattr("pytest_ood.models._encoder.train", pretend)
    context = context_of(tmp_path, TRAIN)
    usual = build(FROM_SCRATCH, context, **RECIPE).folder
    assert build(FROM_SCRATCH, context, **{**RECIPE, **change}).folder != usual
    same = {"batch_size": 7, "device": "auto", "dtype": "bfloat16"}
    assert build(FROM_SCRATCH, context, **{**RECIPE, **same}).folder == usual
    other = context_of(tmp_path, sentences("train", 200, 2))
    assert build(FROM_SCRATCH, other, **RECIPE).folder != usual


def test_a_checkpoint_is_fine_tuned_further(
    saved: Path, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """A checkpoint with `train` is the base of another model, and stays as it is."""
    before = hash_files([saved / "model.safetensors"])
    model = build(str(saved), context_of(tmp_path, TEST), **{**RECIPE, "epochs": 1})
    assert accuracy(model, TEST) > majority_share(TEST)
    assert hash_files([model.folder / "model.safetensors"]) != before
    assert hash_files([saved / "model.safetensors"]) == before
    assert model.source == f"{saved}, fine-tuned here on 60 examples"


def test_a_batch_decides_nothing(reloaded: FinetunedModel) -> None:
    """One by one, together, shuffled and in small batches the labels are the same."""
    texts: list[Inputs] = [example.inputs for example in TEST]
    texts += ["", "a", "superb " * 40, "dreadful \U0001f9d1\u200d\U0001f680"]
    together = [answer.label for answer in reloaded.predict(texts)]
    assert [reloaded.predict([text])[0].label for text in texts] == together
    order = list(range(len(texts)))
    random.Random(0).shuffle(order)
    shuffled = replace(reloaded, batch_size=5).predict([texts[place] for place in order])
    assert [answer.label for answer in shuffled] == [together[place] for place in order]


def test_answers_come_batch_by_batch(
    reloaded: FinetunedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts are tokenized one after the other; every input is in one batch, with its answer."""
    texts: list[Inputs] = [*(example.inputs for example in TEST), ""]
    whole = reloaded.predict(texts)
    monkeypatch.setattr("pytest_ood.models._encoder.CHUNK", 25)
    batches = list(replace(reloaded, batch_size=10).predict_batches(texts))
    assert len(batches) == 3 + 3 + 2
    found = {
        n: answer for some, answers in batches for n, answer in zip(some, answers, strict=True)
    }
    assert sorted(found) == list(range(len(texts)))
    for index, answer in found.items():
        assert answer.label == whole[index].label
        assert answer.scores == pytest.approx(whole[index].scores, abs=1e-5)


def test_what_was_seen_is_not_tokenized_again(
    reloaded: FinetunedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of `seen` serve the next prediction, of some of the texts or of all."""
    model = replace(reloaded)
    texts: list[Inputs] = ["a superb film", "a dull film", "a dull plot"]
    right = model.predict(texts)
    model.seen(texts)
    with monkeypatch.context() as patch:
        patch.setattr(FinetunedModel, "_encode", None)
        assert model.predict(texts[1:]) == right[1:]
    assert model.predict([*texts, "another"])[:3] == right


def test_scores_are_shares(reloaded: FinetunedModel) -> None:
    """Every label has a probability, together they are 1, and the label is the likeliest."""
    for answer in reloaded.predict([example.inputs for example in TEST]):
        assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-3)
        assert answer.label == max(answer.scores, key=answer.scores.__getitem__)


def test_no_input_gives_no_answer(reloaded: FinetunedModel) -> None:
    """An empty list is answered with an empty list."""
    assert reloaded.predict([]) == []


def test_pairs_are_classified(tmp_path: Path, context_of: Callable[..., Context]) -> None:
    """Two fields are put to the encoder as a text and its pair, in training and prediction."""
    pairs = [
        ({"premise": f"number {n} is {word}", "hypothesis": f"it was {other}"}, label)
        for n in range(20)
        for word, other, label in (("good", "good", "positive"), ("good", "bad", "negative"))
    ]
    data = Dataset.from_pairs("pairs", pairs)
    model = build(FROM_SCRATCH, context_of(tmp_path, data), **RECIPE)
    inputs = [inputs for inputs, _ in pairs]
    answers = model.predict(inputs)
    assert [model.predict([value])[0].label for value in inputs] == [a.label for a in answers]
    assert answers[0] != model.predict([{"premise": "it was good", "hypothesis": "number 0"}])[0]


def test_three_fields_are_refused(reloaded: FinetunedModel) -> None:
    """An encoder takes a text or a pair; the message names the fields."""
    with pytest.raises(ModelError, match=r"one or two fields, not 3 \(a, b, c\)"):
        reloaded.predict([{"a": "x", "b": "y", "c": "z"}])


def test_the_order_of_fields_is_not_lost_on_the_way(reloaded: FinetunedModel) -> None:
    """Through the engine, two pairs get the answers that the model gives to them."""
    first = {"text": "a wonderful and superb film", "pair": "the plot was dreadful"}
    second = dict(reversed(first.items()))
    direct = reloaded.predict([first, second])
    engine = Engine(MemoryStore(), Silent())
    asked = [
        engine.predict(reloaded, [value], reloaded.context.labels, "x")[0]
        for value in (first, second)
    ]
    assert asked == direct


def test_a_text_longer_than_the_model_s_window(saved: Path, context: Context) -> None:
    """A `max_length` beyond the model's window is a readable error, or the text is cut."""
    model = build(str(saved), context, device="cpu", max_length=1_000)
    try:
        (answer,) = model.predict(["wonderful " * 900])
    except ModelError as error:
        assert "max_length" in str(error)  # noqa: PT017 - either of the two is right
    else:
        assert answer.label in context.labels


def test_a_long_text_is_cut(reloaded: FinetunedModel) -> None:
    """A text beyond `max_length` is answered by its beginning."""
    start = "wonderful " * 300
    assert reloaded.predict([start + "dreadful"]) == reloaded.predict([start + "superb"])


def test_texts_that_are_cut_are_counted(
    reloaded: FinetunedModel, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with more tokens than it sees count, others not; short ones are not looked at."""
    from transformers import AutoTokenizer

    tokenizer, length = AutoTokenizer.from_pretrained(saved), reloaded.max_length

    def tokens(value: Inputs) -> int:
        texts = list(value.values()) if isinstance(value, dict) else [value]
        return len(tokenizer(*texts, verbose=False)["input_ids"])

    texts: list[Inputs] = ["wonderful " * count for count in (1, 100, 254, 255, 400)]
    texts += ["\u4e2d" * 80, "\u4e2d" * 200, {"premise": "good " * 200, "hypothesis": "bad " * 200}]
    expected = [tokens(text) > length for text in texts]
    assert 2 < sum(expected) < len(texts) - 2
    assert [reloaded.count_cut([text]) == 1 for text in texts] == expected
    assert reloaded.count_cut(texts) == sum(expected)
    monkeypatch.setattr(FinetunedModel, "_encode", lambda _, inputs, **__: [{}[i] for i in inputs])
    assert reloaded.count_cut(["a short text", {"premise": "a", "hypothesis": "b"}]) == 0
    assert "_loaded" not in vars(reloaded)


def test_what_it_is_trained_on_is_known(trained: FinetunedModel, reloaded: FinetunedModel) -> None:
    """A model that is trained here tells its examples; one that came trained has none to tell."""
    assert list(trained.training_examples) == list(TRAIN)
    assert list(reloaded.training_examples) == []


def test_label_names_match_whatever_their_case(
    saved: Path, context: Context, tmp_path: Path, reloaded: FinetunedModel
) -> None:
    """A checkpoint whose labels differ in case alone needs no mapping."""
    folder = relabelled(saved, tmp_path / "upper", {0: "NEGATIVE", 1: "Positive"})
    texts = [example.inputs for example in TEST]
    assert build(str(folder), context, device="cpu").predict(texts) == reloaded.predict(texts)


def test_labels_are_mapped(
    saved: Path, context: Context, tmp_path: Path, reloaded: FinetunedModel
) -> None:
    """`labels` names the task's label for each of the checkpoint's."""
    folder = relabelled(saved, tmp_path / "plain", {0: "LABEL_0", 1: "LABEL_1"})
    labels = {"LABEL_0": "negative", "LABEL_1": "positive"}
    model = build(str(folder), context, labels=labels, device="cpu")
    texts = [example.inputs for example in TEST]
    assert model.predict(texts) == reloaded.predict(texts)
    swapped = {"LABEL_0": "positive", "LABEL_1": "negative"}
    turned = build(str(folder), context, labels=swapped, device="cpu")
    assert all(a.label != b.label for a, b in zip(turned.predict(texts), model.predict(texts)))  # noqa: B905
    assert turned.fingerprint != model.fingerprint


def test_outputs_of_one_label_are_added(saved: Path, context: Context, tmp_path: Path) -> None:
    """Where two outputs stand for one label, as stars do, their probabilities are added."""
    from transformers import RobertaForSequenceClassification

    folder = tmp_path / "stars"
    shutil.copytree(saved, folder)
    stars = {0: "one", 1: "two", 2: "five"}
    model = RobertaForSequenceClassification.from_pretrained(
        folder, num_labels=3, id2label=stars, ignore_mismatched_sizes=True
    )
    model.classifier.out_proj.weight.data.zero_()
    model.classifier.out_proj.bias.data.zero_()
    model.save_pretrained(folder)
    labels = {"one": "negative", "two": "negative", "five": "positive"}
    (answer,) = build(str(folder), context, labels=labels, device="cpu").predict(["a film"])
    assert answer.scores == pytest.approx({"negative": 0.6667, "positive": 0.3333}, abs=1e-3)


def test_an_unmapped_label_is_refused(saved: Path, context: Context, tmp_path: Path) -> None:
    """A label of the checkpoint that the task lacks is an error that shows the line to write."""
    folder = relabelled(saved, tmp_path / "plain", {0: "LABEL_0", 1: "positive"})
    with pytest.raises(ModelError) as caught:
        build(str(folder), context, device="cpu").predict(["x"])
    assert "its label 'LABEL_0' is none of the task's (negative, positive)" in str(caught.value)
    assert 'labels = { "LABEL_0" = "negative" }' in str(caught.value)


def test_a_label_without_output_is_refused(
    saved: Path, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """A label of the task that the checkpoint lacks is an error that names it."""
    context = context_of(tmp_path, labels=("negative", "neutral", "positive"))
    with pytest.raises(ModelError, match="no output for the label 'neutral'"):
        build(str(saved), context, device="cpu").predict(["x"])


def test_another_task_does_not_get_this_one_s_answers(
    saved: Path, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """A task that writes its labels otherwise does not get answers kept for another."""
    models = [
        build(str(saved), context_of(tmp_path, labels=labels), device="cpu")
        for labels in (("negative", "positive"), ("Negative", "Positive"))
    ]
    engine = Engine(MemoryStore(), Silent())
    text = "the film of number 1 was superb and wonderful"
    answers = [engine.predict(m, [text], m.context.labels, "x")[0].label for m in models]
    assert answers == ["positive", "Positive"]


def test_the_fingerprint_is_of_what_decides(
    saved: Path, context: Context, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """Weights, length and dtype change it; name, device, batch size and folder do not."""
    usual = build(str(saved), context, device="cpu").fingerprint
    assert build(str(saved), context, max_length=64).fingerprint != usual
    assert build(str(saved), context, dtype="bfloat16").fingerprint != usual
    copied = shutil.copytree(saved, tmp_path / "copy")
    other = context_of(tmp_path, name="other")
    assert build("copy", other, batch_size=3, device="auto").fingerprint == usual
    (copied / "README.md").write_text("notes")
    assert build("copy", other).fingerprint == usual
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    assert build("copy", other).fingerprint != usual


def test_what_ran_is_told(trained: FinetunedModel, reloaded: FinetunedModel) -> None:
    """Source and parameters tell base, pre-training and training."""
    assert trained.source == (
        "RobertaForSequenceClassification (2 layers, 128 wide), no pre-training, trained here on "
        "200 examples"
    )
    assert trained.parameters["pretrained"] is False
    assert trained.parameters["train_examples"] == 200
    assert trained.parameters["epochs"] == 6
    assert trained.paradigm == reloaded.paradigm == "fine-tuned"
    assert "pretrained" not in reloaded.parameters
    assert json.dumps(dict(trained.parameters))


def test_an_unreachable_hub_id_says_what_to_do(context: Context) -> None:
    """Offline, a checkpoint that is neither here nor cached is an error that names ways out."""
    with pytest.raises(ModelError) as caught:
        build("nobody/nothing-at-all", context).predict(["x"])
    message = str(caught.value)
    assert message.startswith("model 'model': 'nobody/nothing-at-all' is neither a folder")
    assert str(context.root) in message
    assert "Give a local folder, a hub id, or a packaged model (asset:minilm" in message


def test_a_folder_without_a_model_is_refused(context: Context) -> None:
    """A folder that holds no checkpoint is named in the error."""
    (context.root / "empty").mkdir()
    with pytest.raises(ModelError, match="empty cannot be loaded as a sequence classifier"):
        build("empty", context).predict(["x"])


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("new:roberta", {}, "finetuned = 'new:roberta' is not fine-tuned yet; give `train`"),
        ("auto", {}, "finetuned = 'auto' is not fine-tuned yet; give `train`"),
        ("asset:minilmm", {}, "unknown model asset 'minilmm'. Did you mean 'minilm'"),
        ("new:bert", {"train": "x"}, "unknown architecture 'new:bert'. Did you mean 'new:roberta'"),
        ("x", {"epochs": 0}, "epochs = 0 has to be above 0"),
        ("x", {"learning_rate": -1.0}, "learning_rate = -1.0 has to be above 0"),
        ("x", {"batch_size": 0}, "batch_size = 0 has to be 1 or more"),
        ("x", {"max_length": 0}, "max_length = 0 has to be 1 or more"),
        ("x", {"train_batch_size": 0}, "train_batch_size = 0 has to be 1 or more"),
        ("x", {"device": "gpu"}, "unknown device 'gpu'"),
        ("x", {"device_map": "ato"}, "unknown device_map 'ato'. Did you mean 'auto'"),
        (
            "x",
            {"device_map": "auto", "device": "cpu"},
            "device_map = 'auto' spreads it over all devices, and device = 'cpu' names one of them",
        ),
        ("x", {"dtype": "float23"}, "unknown dtype 'float23'. Did you mean 'float32'"),
        ("x", {"labels": {"L": "positve"}}, "labels.L: unknown label 'positve'. Did you mean"),
    ],
)
def test_wrong_values_are_refused(
    source: str, options: dict[str, Any], message: str, context: Context
) -> None:
    """What cannot work is a usage error before anything is loaded."""
    with pytest.raises(ConfigurationError) as caught:
        build(source, context, **options)
    assert f"model 'model': {message}" in str(caught.value)


def test_a_model_may_be_spread_over_devices(
    saved: Path, context: Context, room_for: Callable[[int], None]
) -> None:
    """Where one device has no room for all of it, the answers are the same."""
    usual = build(str(saved), context, device="cpu")
    spread = build(str(saved), context, device_map="sequential")
    assert spread.fingerprint == usual.fingerprint
    assert spread.parameters["device_map"] == "sequential"
    assert "device_map" not in usual.parameters
    room_for(saved.joinpath("model.safetensors").stat().st_size // 2)
    texts = [example.inputs for example in TEST]
    assert spread.predict(texts) == usual.predict(texts)
    _, network, _ = spread._loaded  # noqa: SLF001 - what is not shown
    assert "disk" in network.hf_device_map.values()


def test_training_data_with_a_foreign_label_is_refused(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """Training data has to have the task's labels; nothing half-made stays behind."""
    data = Dataset.from_pairs("data", [("a", "positive"), ("b", "neutral")])
    model = build(FROM_SCRATCH, context_of(tmp_path, data), **RECIPE)
    with pytest.raises(DataError, match="unknown label 'neutral'"):
        model.predict(["x"])
    assert [p for p in (tmp_path / "cache" / "models").iterdir() if p.is_dir()] == []


@pytest.mark.usefixtures("ray_cluster")
def test_a_trained_model_answers_on_a_cluster(trained: FinetunedModel, tmp_path: Path) -> None:
    """Its actors load the weights that were trained here, and answer as it does here."""
    inputs = [example.inputs for example in TEST]
    here = trained.predict(inputs)
    # What is sent holds no weights, and knows where the trained ones are.
    sent = pickle.loads(cloudpickle.dumps(trained))
    assert {"_loaded", "_tokenizer"} <= vars(trained).keys() - vars(sent).keys()
    assert vars(sent)["folder"] == trained.folder
    runner = RayRunner(ClusterSettings(actors=2), tmp_path)
    there = Engine(MemoryStore(), Silent(), runner).predict(
        trained, inputs, trained.context.labels, "x"
    )
    runner.close()
    assert there == here


def test_tokens_and_operations_are_estimated_without_weights(
    saved: Path, context_of: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two operations for each weight and token; long texts count as they are cut."""
    import transformers

    model = build(str(saved), context_of(saved), max_length=8)
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    short = len(tokenizer("superb")["input_ids"])
    monkeypatch.setattr(transformers.AutoModelForSequenceClassification, "from_pretrained", None)
    estimated = model.estimate(["superb", "superb " * 100])
    assert estimated.prompt_tokens == short + 8
    assert estimated.operations == 2.0 * weight_count(saved) * estimated.prompt_tokens


def test_the_weights_of_a_checkpoint_are_counted(saved: Path) -> None:
    """The headers of the files give the number that the loaded model has."""
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(saved)
    assert weight_count(saved) == sum(weight.numel() for weight in model.parameters())


def test_what_was_not_trained_is_not_at_hand(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """Telling so trains nothing; a base that is not there is not at hand either."""
    model = build(FROM_SCRATCH, context_of(tmp_path, TRAIN), **RECIPE)
    assert not model.at_hand
    assert not tmp_path.joinpath("models").exists()
    offline = replace(context_of(tmp_path), offline=True)
    assert not build("asset:minilm", offline).at_hand
