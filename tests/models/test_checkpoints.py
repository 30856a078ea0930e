"""What a checkpoint has to hold, so that nothing else than the model is measured.

Every folder here is one that transformers itself has saved; some were damaged, or are of another
kind than what they are named as.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from checkpoints import (
    CLASSIFIERS,
    bert,
    byte_pairs,
    changed,
    edit_weights,
    gpt2,
    mistral,
    t5,
    word_pieces,
)

from pytest_ood.data.examples import Dataset
from pytest_ood.errors import ModelError
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.models import adapter
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._torch import weight_count
from pytest_ood.models.prompted import PromptedModel
from pytest_ood.models.protocol import Context, notes_of
from pytest_ood.perturbations._transformers import masked_candidates
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.utils.progress import Silent

TEXTS = [
    "a great film", "dull </s> movie and long", "</s>", "x <|endoftext|>", "</s></s> a", "<pad>",
    "the <s> <pad> plot <mask> was [SEP] wonderful [PAD] [MASK] <|endoftext|>",
    "a very long film with an ending that is quite great and a slow actor" + " dull" * 9,
    "\u4e2d\u6587 \U0001f600",
]  # fmt: skip
TRAIN = Dataset.from_pairs("train", [("great film", "positive"), ("dull plot", "negative")] * 4)
PROMPT = {"prompt": "Review: {text}\nSentiment:", "label_words": {"negative": "bad",
                                                                  "positive": "good"}}  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives the folder of a classifier by its name; each is made once."""

    @cache
    def made(name: str) -> Path:
        return CLASSIFIERS[name](tmp_path_factory.mktemp("checkpoint") / "model")

    return made


@pytest.fixture
def whole(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """Return a BERT that a test may damage."""
    copy = tmp_path / "bert"
    shutil.copytree(checkpoint("bert"), copy)
    return copy


def finetuned(folder: Path, context: Context, **options: Any) -> FinetunedModel:
    """Name a folder as a fine-tuned model."""
    model: FinetunedModel = adapter("finetuned").build(
        str(folder), context, device="cpu", **options
    )
    return model


def prompted(folder: Path, context: Context, **options: Any) -> PromptedModel:
    """Name a folder as a prompted model."""
    model: PromptedModel = adapter("prompted").build(
        str(folder), context, device="cpu", **{**PROMPT, **options}
    )
    return model


def refusal(model: FinetunedModel | PromptedModel) -> str:
    """Return why a model is refused, which is one line."""
    with pytest.raises(ModelError) as caught:
        model.predict(["a great film", "dull"])
    said = str(caught.value)
    assert said.startswith("model 'model': ")
    assert "\n" not in said
    return said


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_batch_answers_as_one_by_one(
    name: str, checkpoint: Callable[[str], Path], context: Context
) -> None:
    """Padding and neighbours decide nothing, whatever special tokens a text holds."""
    model = finetuned(checkpoint(name), context)
    together = model.predict(TEXTS)
    assert len({tuple(answer.scores.values()) for answer in together}) > len(TEXTS) / 2
    for text, answer in zip(TEXTS, together, strict=True):
        (alone,) = finetuned(checkpoint(name), context).predict([text])
        assert answer.scores == pytest.approx(alone.scores, abs=2e-4)


@pytest.mark.parametrize("name", ["gpt2", "mistral", "t5"])
def test_a_batch_answers_as_transformers_does(
    name: str, checkpoint: Callable[[str], Path], context: Context
) -> None:
    """The scores are those of the network itself, given one text."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = checkpoint(name)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text, answer in zip(TEXTS, finetuned(folder, context).predict(TEXTS), strict=True):
        with torch.inference_mode():
            encoded = tokenizer(text, return_tensors="pt")
            encoded.pop("token_type_ids", None)
            scores = network(**encoded).logits.softmax(-1)[0].tolist()
        assert list(answer.scores.values()) == pytest.approx(scores, abs=2e-4)


def test_a_text_without_tokens_gets_no_answer(
    checkpoint: Callable[[str], Path], context: Context
) -> None:
    """A decoder has nothing to answer from; the texts beside it get theirs."""
    empty, other = finetuned(checkpoint("gpt2"), context).predict(["", "great"])
    assert (empty.label, empty.error) == (None, "its tokenizer makes no token of the text")
    assert other.label is not None
    assert finetuned(checkpoint("bert"), context).predict([""])[0].label is not None


def test_a_checkpoint_without_a_tokenizer_is_refused(
    whole: Path, tmp_path: Path, context: Context
) -> None:
    """Transformers would make one that knows no word; also where only its settings are there."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (whole / name).unlink()
        said = refusal(finetuned(whole, context))
        assert "holds no tokenizer (none of" in said
        assert "tokenizer.json" in said
    causal = gpt2(tmp_path / "causal", "GPT2LMHeadModel")
    (causal / "tokenizer.json").unlink()
    (causal / "tokenizer_config.json").unlink()
    assert "holds no tokenizer" in refusal(prompted(causal, context))


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("BertModel", "classifier.bias, classifier.weight"),
        ("BertForMaskedLM", "bert.pooler.dense.bias, bert.pooler.dense.weight, classifier.bias"),
        ("BertForTokenClassification", "bert.pooler.dense.bias, bert.pooler.dense.weight"),
        ("BertForQuestionAnswering", "bert.pooler.dense.bias, bert.pooler.dense.weight"),
        ("BertForNextSentencePrediction", "classifier.bias, classifier.weight"),
    ],
)
def test_a_head_that_would_be_random_is_refused(
    kind: str, missing: str, tmp_path: Path, context: Context
) -> None:
    """What has another head, or none, is no classifier; the missing weights are named."""
    said = refusal(finetuned(bert(tmp_path / "other", kind), context))
    assert f"cannot be loaded as a sequence classifier: it has no weights for {missing}" in said
    assert f"(its architecture: {kind})" in said


@pytest.mark.parametrize("kind", ["BertModel", "BertForMaskedLM"])
def test_a_base_is_trained(kind: str, tmp_path: Path, context_of: Callable[..., Context]) -> None:
    """A head may be missing where it is trained; the base may not."""
    base = bert(tmp_path / "base", kind)
    context = context_of(tmp_path, TRAIN)
    model = finetuned(base, context, train="train.csv", epochs=1)
    assert model.predict(["great film"])[0].label in ("negative", "positive")
    edit_weights(base, lambda weights: {k: v for k, v in weights.items() if ".layer.1." not in k})
    said = refusal(finetuned(base, context, train="train.csv", epochs=2))
    assert "it has no weights for bert.encoder.layer.1." in said
    assert "and 12 more" in said


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"problem_type": "multi_label_classification"}, "its head answers for each label by itse"),
        ({"problem_type": "regression"}, "its head answers with a number (regression"),
        ({"num_labels": 1, "id2label": None, "label2id": None}, "answers with a number"),
        ({"id2label": {0: "negative", 1: "neutral", 2: "positive"}}, "'neutral' is none of the"),
        ({"id2label": None, "label2id": None}, "its label 'LABEL_0' is none of the task's"),
    ],
)
def test_a_head_that_answers_something_else_is_refused(
    values: dict[str, Any], told: str, tmp_path: Path, context: Context
) -> None:
    """Several labels at once, a number, and labels that are not the task's."""
    assert told in refusal(finetuned(bert(tmp_path / "other", **values), context))


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff\x00\x00\x00\x00\x00\x00\x00{")


def _pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid x\n")


def _one_layer(folder: Path) -> None:
    edit_weights(folder, lambda weights: {k: v for k, v in weights.items() if "layer.1" not in k})


def _other_names(folder: Path) -> None:
    edit_weights(folder, lambda weights: {f"0.auto_model.{k}": v for k, v in weights.items()})


def _other_size(folder: Path) -> None:
    edit_weights(
        folder,
        lambda weights: {
            k: v[:, :16].clone() if k == "classifier.weight" else v for k, v in weights.items()
        },
    )


def _bigger_tokenizer(folder: Path) -> None:
    byte_pairs(["<x>"]).save_pretrained(folder)


def _foreign_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ids = {"[PAD]": 0, "[UNK]": 1, "\u4e2d": 2}
    raw = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106 - no password
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **named).save_pretrained(folder)


def _added_token(folder: Path) -> None:
    tokenizer = word_pieces()
    tokenizer.add_tokens(["kubrick", "a great"])
    tokenizer.save_pretrained(folder)


def _broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")


def _config(name: str = "config.json", /, **values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def _adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "x"}')


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_cut, "SafetensorError: "),
        (_cut_header, "SafetensorError: "),
        (_pointer, "model.safetensors is a pointer of Git LFS, not the file itself; run: git lfs"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no file named model.safetensors"),
        (_one_layer, "it has no weights for bert.encoder.layer.1.attention.output.LayerNorm.bias"),
        (_other_names, "it has no weights for bert.embeddings.LayerNorm.bias"),
        (_other_size, "it has no weights for classifier.weight (of (2, 32), not (2, 16))"),
        (_bigger_tokenizer, "tokenizer and weights are not of one model"),
        (_foreign_tokenizer, "its tokenizer knows no token of 2 texts"),
        (_added_token, "('a great'), and its network has embeddings for 70: tokenizer and weights"),
        (_broken_tokenizer, "cannot be loaded as a tokenizer"),
        (_config(model_type="nosuch"), "model type `nosuch`"),
        (
            _adapter,
            "adapter_config.json names no `peft_type`: it is damaged, or was not written by",
        ),
        (
            _config(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
            "ImportError: ",
        ),
        (
            _config(model_type="custom", auto_map={"AutoConfig": "own.Config"}),
            "it needs code of its own, which is never run here (trust_remote_code)",
        ),
        (
            _config(auto_map={"AutoModelForSequenceClassification": "own.OwnClassifier"}),
            "its config.json names OwnClassifier for AutoModelForSequenceClassification (auto_map)",
        ),
        (
            _config("tokenizer_config.json", auto_map={"AutoTokenizer": ["own.OwnTokenizer"]}),
            "transformers knows no class 'OwnTokenizer'",
        ),
        (
            _config("tokenizer_config.json", tokenizer_class="OwnTokenizer"),
            "it needs code of its own, which is never run here (trust_remote_code)",
        ),
        (
            _config(label2id={"negative": 1, "positive": 0}),
            "output 0 is 'negative' (id2label) and that 'negative' is output 1 (label2id)",
        ),
    ],
)
def test_a_damaged_or_foreign_checkpoint_is_refused(
    damage: Callable[[Path], None], told: str, whole: Path, context: Context
) -> None:
    """What is missing, cut off, or not of this model is named; nothing of it is answered."""
    damage(whole)
    assert told in refusal(finetuned(whole, context))


def test_a_class_that_transformers_has_taken_over_is_no_own_code(
    whole: Path, context: Context
) -> None:
    """Checkpoints keep their `auto_map` for older versions; the class is the same by now."""
    names = {
        "AutoConfig": "configuration_bert.BertConfig",
        "AutoModelForSequenceClassification": "modeling_bert.BertForSequenceClassification",
    }
    _config(auto_map=names)(whole)
    _config("tokenizer_config.json", tokenizer_class="BertTokenizerFast")(whole)
    assert finetuned(whole, context).predict(["great"])[0].label is not None


def test_an_adapter_is_no_masked_model(tmp_path: Path) -> None:
    """Where no adapter is merged, transformers would ignore it."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"")
    with (
        using(Resources(cache=tmp_path / "cache", offline=True, root=tmp_path, progress=Silent())),
        pytest.raises(ModelError, match=r"is an adapter of PEFT .* merge it into its base"),
    ):
        masked_candidates("adapter", [("a", "film")], 3)


def test_padding_without_an_embedding_is_never_asked(whole: Path, context: Context) -> None:
    """A padding token that was added to a tokenizer alone is common, and does no harm."""
    tokenizer = word_pieces()
    tokenizer.add_special_tokens({"pad_token": "<added>"})
    tokenizer.save_pretrained(whole)
    assert all(a.label is not None for a in finetuned(whole, context).predict(["great", "a b c"]))


def test_the_header_of_a_damaged_file_is_a_readable_error(whole: Path) -> None:
    """Counting weights reads nothing but headers, and tells what is none."""
    for damage, told in ((_cut_header, "cut off"), (_pointer, "a pointer of Git LFS")):
        damage(whole)
        with pytest.raises(ModelError, match=told):
            weight_count(whole)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda f: bert(f, "BertForMaskedLM"), "is BertForMaskedLM; a prompted model goes on with"),
        (bert, "is BertForSequenceClassification; a prompted model goes on with a text"),
        (lambda f: bert(f, "BertModel"), "it has no weights for cls.predictions"),
        (gpt2, "is GPT2ForSequenceClassification; a prompted model goes on with"),
        (t5, "is T5ForSequenceClassification; a prompted model goes on with a text"),
        (lambda f: t5(f, "T5ForConditionalGeneration"), "is T5ForConditionalGeneration; a prom"),
        (CLASSIFIERS["bart"], "is BartForSequenceClassification; a prompted model goes on"),
        (lambda f: mistral(f, "MistralModel"), "it has no weights for lm_head.weight"),
    ],
)
def test_what_goes_on_with_no_text_is_not_prompted(
    make: Callable[[Path], Path], told: str, tmp_path: Path, context: Context
) -> None:
    """Masked models, classifiers and encoder-decoders are told what they are."""
    assert told in refusal(prompted(make(tmp_path / "other"), context))


def test_a_masked_model_under_another_name_is_found_out(tmp_path: Path, context: Context) -> None:
    """It is tried whether a token sees those behind it, whatever a configuration says."""
    folder = changed(bert(tmp_path / "m", "BertForMaskedLM"), tmp_path / "copy", architectures=None)
    assert "in which a token sees those behind it" in refusal(prompted(folder, context))


@pytest.mark.parametrize("make", [gpt2, mistral])
def test_a_causal_model_is_prompted(
    make: Callable[..., Path], tmp_path: Path, context: Context
) -> None:
    """Without a padding token, too."""
    kind = {"gpt2": "GPT2LMHeadModel", "mistral": "MistralForCausalLM"}[make.__name__]
    model = prompted(make(tmp_path / "causal", kind), context)
    together = model.predict(TEXTS)
    for text, answer in zip(TEXTS, together, strict=True):
        (alone,) = model.predict([text])
        assert answer.scores == pytest.approx(alone.scores, abs=2e-4)


def test_a_prompt_begins_once(tmp_path: Path, context: Context) -> None:
    """A begin token that is written in the prompt is the one that the tokenizer puts there."""
    folder = mistral(tmp_path / "causal", "MistralForCausalLM")
    bare = prompted(folder, context)
    written = prompted(folder, context, prompt="<s>Review: {text}\nSentiment:")
    assert written.predict(TEXTS) == bare.predict(TEXTS)
    (note,) = notes_of(written)
    assert note.startswith(
        "model: its prompt begins with '<s>', which its tokenizer adds by itself"
    )
    assert notes_of(bare) == ()
    assert written.estimate(TEXTS) == bare.estimate(TEXTS)
    other = prompted(gpt2(tmp_path / "gpt2", "GPT2LMHeadModel"), context, prompt="<s>{text}")
    assert notes_of(other) == (), "it has no such token"


CODE = {
    "config.json": {
        "model_type": "custom",
        "auto_map": {"AutoConfig": "own.C", "AutoModelForSequenceClassification": "own.M",
                     "AutoModelForCausalLM": "own.M", "AutoModelForMaskedLM": "own.M"},
    },
    "tokenizer_config.json": {
        "tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.T", None]}
    },
}  # fmt: skip
OWN_CODE = "open('ran', 'w').close()\nraise SystemExit\n"
ASKING = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from conftest import make_context
from pytest_ood.data.examples import Dataset
from pytest_ood.errors import ModelError
from pytest_ood.models import adapter
from pytest_ood.perturbations._transformers import masked_candidates, rewritings
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.utils.progress import Silent

root = Path({root!r})
data = Dataset.from_pairs("train", [("a", "positive"), ("b", "negative")])
context = make_context(root, data)
finetuned, prompted = adapter("finetuned").build, adapter("prompted").build
tries = [
    lambda: finetuned("model", context).predict(["x"]),
    lambda: finetuned("model", context, train="t").predict(["x"]),
    lambda: prompted("model", context, prompt="{{text}}").predict(["x"]),
    lambda: prompted("model", context, prompt="{{text}}").estimate(["x"]),
    lambda: masked_candidates("model", [("a", "b")], 3),
    lambda: rewritings("model", "", "text", 2),
]
with using(Resources(cache=root / "cache", offline=True, root=root, progress=Silent())):
    for number, attempt in enumerate(tries):
        try:
            attempt()
        except ModelError as error:
            print(number, "refused:", error)
"""


@pytest.mark.slow
def test_nothing_asks_at_the_terminal_or_runs_foreign_code(tmp_path: Path) -> None:
    """With a standard input that stays open, every way to load a checkpoint of own code ends."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in CODE.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "own.py").write_text(OWN_CODE)
    (folder / "vocab.txt").write_text("[UNK]\n[PAD]\n[CLS]\n[SEP]\na\n")
    (folder / "model.safetensors").write_bytes(b"x")
    program = ASKING.format(tests=str(Path(__file__).parent), root=str(tmp_path))
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], stdin=reading, capture_output=True, text=True,
            timeout=240, check=False, cwd=tmp_path,
        )  # fmt: skip
    finally:
        os.close(reading)
        os.close(writing)
    lines = [line for line in done.stdout.splitlines() if "refused:" in line]
    assert len(lines) == 6, done.stdout + done.stderr
    assert "[y/N]" not in done.stdout + done.stderr
    assert not list(tmp_path.rglob("ran"))


def test_a_perturbation_s_model_is_whole(tmp_path: Path) -> None:
    """A masked model without its head would put in words at random."""
    bert(tmp_path / "headless", "BertModel")
    with (
        using(Resources(cache=tmp_path / "cache", offline=True, root=tmp_path, progress=Silent())),
        pytest.raises(ModelError, match=r"headless.*it has no weights for cls.predictions"),
    ):
        masked_candidates("headless", [("a", "film")], 3)


def test_a_text_that_the_network_fails_on_is_isolated(
    checkpoint: Callable[[str], Path], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception of torch for one text leaves that one without an answer, and no other."""
    model = finetuned(checkpoint("bert"), context)
    _, network, _ = model._loaded  # noqa: SLF001 - the network is what fails
    forward = type(network).forward
    token = model._tokenizer[0].convert_tokens_to_ids("slow")  # noqa: SLF001 - likewise

    def failing(self: Any, input_ids: Any, **others: Any) -> Any:
        if bool((input_ids == token).any()):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return forward(self, input_ids=input_ids, **others)

    monkeypatch.setattr(type(network), "forward", failing)
    texts = [f"a great film {'very ' * n}" for n in range(40)]
    texts[17] = "a slow film"
    engine = Engine(MemoryStore(), Silent())
    answers = engine.predict_counted(
        model, texts, context.labels, "texts", isolate=True
    ).predictions
    assert [n for n, answer in enumerate(answers) if answer.error is not None] == [17]
    assert (answers[17].error or "").startswith("raised RuntimeError: DefaultCPUAllocator: can't a")


def test_a_checkpoint_of_other_weights_is_saved(tmp_path: Path, context: Context) -> None:
    """Older files of torch are read; what would run code when it is read is refused."""
    import torch
    from safetensors.torch import load_file

    folder = bert(tmp_path / "old")
    weights = load_file(folder / "model.safetensors")
    same = finetuned(bert(tmp_path / "new"), context).predict(TEXTS)
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    assert finetuned(folder, context).predict(TEXTS) == same
    torch.save(os.getcwd, folder / "pytorch_model.bin")
    assert "cannot be loaded as a sequence classifier" in refusal(finetuned(folder, context))
