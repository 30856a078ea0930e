"""A causal language model really runs; only its size is small and its weights are random."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from checkpoints import byte_pairs, saved

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.data.parsing import parse_answer
from pytest_ood.errors import ConfigurationError, DataError, ModelError, TooLongError
from pytest_ood.inference.cluster import ClusterSettings, RayRunner
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.prompts import Prompt
from pytest_ood.models import adapter
from pytest_ood.models._prompts import READING
from pytest_ood.models._torch import weight_count
from pytest_ood.models.prompted import CONTENT_FREE, Generation, PromptedModel, _calibrated
from pytest_ood.models.protocol import (
    Context,
    Facts,
    Usage,
    is_model,
    is_promptable,
)
from pytest_ood.tasks import NumericAnswer, QuestionAnswering, Task
from pytest_ood.utils.objects import ProcessLocalDict
from pytest_ood.utils.progress import Silent

build = adapter("prompted").build

WINDOW = 200
TEMPLATE = "Say what a review is.\n---\nReview: {text}\nSentiment:"
SHOWN = [
    {"text": "a wonderful film", "label": "positive"},
    {"text": "a dreadful film", "label": "negative"},
]
WORDS = ("wonderful", "dreadful", "film", "plot", "and", "boring", "superb", "the", "a", "of")
TEXTS: list[Inputs] = [
    " ".join(random.Random(number).choices(WORDS, k=1 + number % 9)) for number in range(30)
]
TEXTS += ["", " ", "\n", "x", "caf\u00e9 \U0001f9d1\u200d\U0001f680", "Sentiment: positive", "..."]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: ARG001
    """Make a Llama with random weights and a byte-level BPE of a few sentences."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("llama")
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [f"{' '.join(WORDS)} Review: Sentiment: positive negative neutral"] * 5,
        vocab_size=500,
        special_tokens=["</s>"],
        show_progress=False,
    )
    bpe.save(str(folder / "bpe.json"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "bpe.json"), **dict.fromkeys(("bos_token", "eos_token"), "</s>")
    )
    (folder / "bpe.json").unlink()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=WINDOW,
                initializer_range=0.3,
            )
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def make(checkpoint: Path, context: Context) -> Callable[..., PromptedModel]:
    """Return a maker of models on the checkpoint."""

    def maker(**changes: Any) -> PromptedModel:
        options = {"prompt": TEMPLATE, "demonstrations": SHOWN, "device": "cpu", **changes}
        model: PromptedModel = build(str(checkpoint), context, **options)
        return model

    return maker


def one_by_one(folder: Path, prompt: Prompt, inputs: Sequence[Inputs]) -> list[list[float]]:
    """Score the label words with nothing but transformers: a prompt at a time, no cache."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    words = [
        tokenizer(" " + word, add_special_tokens=False)["input_ids"][0]
        for word in prompt.label_words.values()
    ]
    rows = []
    for value in inputs:
        ids = tokenizer(prompt.render(value), return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            rows.append(model(ids, use_cache=False).logits[0, -1, words].softmax(-1).tolist())
    return rows


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"demonstrations": None},
        {"prompt": "{text}:", "demonstrations": None},
        {"prompt": "{text} is {text}, so:"},
        {"batch_size": 1},
        {"batch_size": 5},
        {"label_words": {"negative": "dreadful", "positive": "superb"}},
    ],
    ids=str,
)
def test_the_shared_prefix_changes_no_score(
    options: dict[str, Any], make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Scores are those of a plain loop over the whole prompts, and so are the labels."""
    model = make(**options)
    answers = model.predict(TEXTS)
    for answer, row in zip(answers, one_by_one(checkpoint, model.prompt, TEXTS), strict=True):
        assert list(answer.scores) == ["negative", "positive"]
        assert list(answer.scores.values()) == pytest.approx(row, abs=1e-3)
        assert answer.label == ("negative", "positive")[row[1] > row[0]]


def written(folder: Path, prompt: Prompt, inputs: Sequence[Inputs], longest: int) -> list[str]:
    """Let transformers write the likeliest answer to a prompt at a time."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    # The tokenizer and the configuration of the random model end with different tokens.
    ends = [tokenizer.eos_token_id, model.generation_config.eos_token_id]
    texts = []
    for value in inputs:
        given = tokenizer(prompt.render(value), return_tensors="pt", return_token_type_ids=False)
        told = {
            "max_new_tokens": longest,
            "do_sample": False,
            "pad_token_id": 0,
            "eos_token_id": ends,
        }
        said = model.generate(**given, **told)[0, given["input_ids"].shape[1] :]
        texts.append(tokenizer.decode(said, skip_special_tokens=True))
    return texts


SAID = {"negative": "Sen", "positive": "os"}
"""Words that the random model says."""


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"batch_size": 4}, {"demonstrations": None}], ids=str)
def test_generated_answers_are_those_of_one_by_one(
    options: dict[str, Any], make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """In batches the model writes what it writes alone; label words are found in it, or not."""
    model = make(answer="generated", max_new_tokens=8, label_words=SAID, stop="su", **options)
    assert model.parameters["reading"] == READING
    answers = model.predict(TEXTS)
    for answer, text in zip(answers, written(checkpoint, model.prompt, TEXTS, 8), strict=True):
        assert answer.text == text.lstrip().partition("su")[0].rstrip()
        assert answer.label == parse_answer(answer.text, SAID)
        assert answer.scores == {}
    assert {answer.label for answer in answers} >= {"negative", None}
    order = list(reversed(range(len(TEXTS))))
    assert model.predict([TEXTS[place] for place in order]) == [answers[place] for place in order]
    assert model.predict([]) == []


def test_an_answer_ends_where_it_stops(make: Callable[..., PromptedModel]) -> None:
    """What stops an answer is not part of it, and no longer answer was written than was needed."""
    free = make(answer="generated", max_new_tokens=8, stop="").predict(TEXTS)
    stopped = make(answer="generated", max_new_tokens=8, stop="e").predict(TEXTS)
    for one, other in zip(free, stopped, strict=True):
        assert one.text is not None
        assert other.text == one.text.partition("e")[0].rstrip()
    short = make(answer="generated", max_new_tokens=1, stop="").predict(TEXTS)
    assert [answer.text for answer in short] != [answer.text for answer in free]


@pytest.mark.parametrize(
    ("text", "said", "over"),
    [
        (" positive\n\nReview: x", "positive", True),
        ("\n\n", "", False),
        ("\n positive", "positive", False),
        ("\npositive\n", "positive", True),
        (" two words ", "two words", False),
    ],
)
def test_a_line_is_an_answer(text: str, said: str, over: bool) -> None:  # noqa: FBT001
    """The first line that says something is the answer, and over once it is whole."""
    assert Generation().read(text) == said
    assert Generation().is_over(text) is over


@pytest.mark.parametrize(
    ("text", "said", "over"),
    [
        (" Two.\nSo 2.\n\nQ: x", "Two.\nSo 2.", True),
        ("\n\nQ: x", "", True),
        ("\nTwo.\nQuestion", "Two.\nQuestion", False),
    ],
)
def test_the_next_question_is_no_answer(text: str, said: str, over: bool) -> None:  # noqa: FBT001
    """A chain ends before the next question, also where the model says nothing else."""
    assert Generation(stop="\nQ:").read(text) == said
    assert Generation(stop="\nQ:").is_over(text) is over


def test_label_words_of_generated_answers_may_start_alike(
    make: Callable[..., PromptedModel],
) -> None:
    """Only scores need label words of one token."""
    words = {"negative": "film", "positive": "film and"}
    assert len(make(answer="generated", label_words=words).predict(["x"])) == 1


SUMS = [
    {"text": "2 + 3?", "label": "5", "rationale": "the film and the plot"},
    {"text": "1 + 1?", "label": "2", "rationale": "a plot"},
]


@pytest.fixture
def make_numeric(checkpoint: Path, context: Context) -> Callable[..., PromptedModel]:
    """Return a maker of models under a task without labels."""

    def maker(task: Task = NumericAnswer(), **changes: Any) -> PromptedModel:  # noqa: B008 - frozen
        options = {"prompt": "Q: {text}\nA:", "device": "cpu", **changes}
        model: PromptedModel = build(str(checkpoint), replace(context, task=task), **options)
        return model

    return maker


@pytest.mark.slow
def test_open_tasks_are_answered_in_writing(
    make_numeric: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Where there are no labels the model writes, and the task reads."""
    model = make_numeric(demonstrations=SUMS, max_new_tokens=8, stop="")
    assert model.parameters["answer"] == "generated"
    answers = model.predict(TEXTS)
    for answer, text in zip(answers, written(checkpoint, model.prompt, TEXTS, 8), strict=True):
        assert answer.text == text.lstrip()
        assert answer.label == NumericAnswer().read(text, {})
    other = make_numeric(QuestionAnswering(), demonstrations=SUMS, max_new_tokens=8, stop="")
    said = [answer.text or "" for answer in answers]
    assert [a.label for a in other.predict(TEXTS)] == [
        QuestionAnswering().read(t, {}) for t in said
    ]
    assert other.fingerprint != model.fingerprint, "another task reads another answer"


@pytest.mark.slow
def test_a_chain_of_thought_is_written_to_its_end(
    make_numeric: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """It is longer than an answer, goes on over line breaks, and stops at the next question."""
    model = make_numeric(demonstrations=SUMS, chain_of_thought=True)
    assert model.parameters["max_new_tokens"] == 256
    assert model.parameters["stop"] == "\nQ:"
    assert model.parameters["demonstrations"] == "the configuration"
    assert "A: the film and the plot The answer is 5.\n\nQ: 1 + 1?" in model.prompt.render("x")
    short = make_numeric(demonstrations=SUMS, chain_of_thought=True, max_new_tokens=9)
    answers = short.predict(TEXTS)
    assert [a.text for a in answers] == [
        text.lstrip().rstrip() for text in written(checkpoint, short.prompt, TEXTS, 9)
    ]
    assert {answer.label for answer in answers} == {None}, "chains that were cut off say nothing"


def test_samples_do_not_depend_on_the_batch(make: Callable[..., PromptedModel]) -> None:
    """One by one, together, shuffled and in other batches, samples and votes are the same."""
    options = {"label_words": SAID, "samples": 3, "temperature": 1.5, "max_new_tokens": 6}
    model = make(**options)
    answers = model.predict(TEXTS)
    assert {len(answer.scores) for answer in answers} == {0, 2}
    assert {answer.label for answer in answers} >= {"negative", None}
    assert make(**options).predict(TEXTS[::-1]) == answers[::-1]
    assert [make(**options, batch_size=1).predict([text])[0] for text in TEXTS[:9]] == answers[:9]
    assert make(**options, seed=1).predict(TEXTS) != answers
    assert model.predict([*TEXTS[:3], *TEXTS[:3]]) == [*answers[:3], *answers[:3]]


def test_one_sample_at_a_temperature_is_an_answer(make: Callable[..., PromptedModel]) -> None:
    """A model may be sampled once; it votes with nobody, and says the same again."""
    model = make(label_words=SAID, temperature=1.0)
    assert model.parameters["temperature"] == 1.0
    answers = model.predict(TEXTS)
    assert answers == make(label_words=SAID, temperature=1.0).predict(TEXTS)
    assert answers != make(label_words=SAID, answer="generated").predict(TEXTS)
    assert all(answer.scores == {} for answer in answers)


def test_strategies_are_models_of_their_own(
    make_numeric: Callable[..., PromptedModel],
) -> None:
    """Whatever makes a strategy is in the fingerprint; where demonstrations come from is not."""
    thinking = {"demonstrations": SUMS, "chain_of_thought": True}
    sampled = {**thinking, "samples": 5, "temperature": 0.7}
    models = [
        make_numeric(**options)
        for options in (
            {}, {"chain_of_thought": True}, {"demonstrations": SUMS}, thinking,
            {**thinking, "temperature": 0.7}, sampled, {**sampled, "temperature": 0.5},
            {**sampled, "samples": 3}, {**sampled, "seed": 1},
            {**sampled, "vote": "complexity", "vote_top": 3},
            {**sampled, "vote": "complexity", "vote_top": 2},
            {**thinking, "demonstrations": [SUMS[0], {**SUMS[1], "rationale": "another"}]},
        )
    ]  # fmt: skip
    assert len({model.fingerprint for model in models}) == len(models)
    prompt = replace(models[3].prompt, source="elsewhere")
    assert models[3].with_prompt(prompt).fingerprint == models[3].fingerprint


def test_there_is_room_for_the_answer(make: Callable[..., PromptedModel]) -> None:
    """A prompt that fits, but not with its answer, is refused with both sizes."""
    assert make().predict(["film " * 120])
    with pytest.raises(TooLongError, match=f"an answer of 120 does not fit its window of {WINDOW}"):
        make(answer="generated", max_new_tokens=120).predict(["film " * 120])


def test_equal_inputs_are_answered_alike(make: Callable[..., PromptedModel]) -> None:
    """An input that is asked twice has the same answer twice, in its place."""
    model = make()
    answers = model.predict(TEXTS)
    assert model.predict([*TEXTS, *TEXTS[::-1]]) == [*answers, *answers[::-1]]


def test_perturbed_versions_are_scored_as_alone(
    make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Texts of up to the window, asked with versions of them, have the scores of a plain loop."""
    rng = random.Random(0)
    texts: list[Inputs] = []
    for length in (1, 5, 20, 60, 90):
        words = rng.choices(WORDS, k=length)
        texts.append(" ".join(words))
        for _ in range(4):
            place = rng.randrange(length)
            texts.append(" ".join([*words[:place], rng.choice(WORDS)[::-1], *words[place + 1 :]]))
    for options in ({}, {"demonstrations": None}, {"calibrate": True}, {"batch_size": 3}):
        model = make(**options)
        rows = one_by_one(checkpoint, model.prompt, texts)
        if model.calibrate:
            free_rows = one_by_one(checkpoint, model.prompt, CONTENT_FREE)
            free = [sum(column) / len(free_rows) for column in zip(*free_rows, strict=True)]
            rows = [_calibrated(row, free) for row in rows]
        for answer, row in zip(model.predict(texts), rows, strict=True):
            assert list(answer.scores.values()) == pytest.approx(row, abs=1e-3)
            assert answer.label == ("negative", "positive")[row[1] > row[0]]


def test_the_model_says_both(make: Callable[..., PromptedModel]) -> None:
    """The random model is not constant, so that the other tests say something."""
    assert is_model(make())
    assert {answer.label for answer in make().predict(TEXTS)} == {"negative", "positive"}


def test_the_facts_of_a_prompted_model(
    checkpoint: Path, make: Callable[..., PromptedModel]
) -> None:
    """Its weights and its demonstrations are counted."""
    _, _, network = make().checkpoint.loaded
    size = sum(weights.numel() for weights in network.parameters())
    assert make().facts == Facts(base=str(checkpoint), size=size, shots=len(SHOWN))
    assert make(demonstrations=None).facts.shots == 0


def test_a_prefix_is_shared(make: Callable[..., PromptedModel]) -> None:
    """Instruction and demonstrations are in the shared prefix; the text is not."""
    model = make()
    prefix, past = model.decoder.start, model.decoder.past
    tokenizer = model.checkpoint.loaded[1]
    start = tokenizer.decode(prefix)
    assert model.prompt.render("@@").startswith(start)
    assert start.startswith(model.prompt.prefix)
    assert "@" not in start
    assert past.get_seq_length() == len(prefix)
    model.predict(TEXTS)
    assert past.get_seq_length() == len(prefix), "asking does not lengthen it"


def test_a_batch_decides_nothing(make: Callable[..., PromptedModel]) -> None:
    """One by one, together and shuffled, the labels are the same."""
    model = make()
    together = [answer.label for answer in model.predict(TEXTS)]
    assert [model.predict([text])[0].label for text in TEXTS] == together
    order = list(range(len(TEXTS)))
    random.Random(0).shuffle(order)
    shuffled = replace(model, batch_size=7).predict([TEXTS[place] for place in order])
    assert [answer.label for answer in shuffled] == [together[place] for place in order]


def test_answers_come_batch_by_batch(
    make: Callable[..., PromptedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts are packed one after the other; every input has its answer, equal ones each."""
    model, texts = make(), [*TEXTS, *TEXTS[:3], *TEXTS[:3]]
    whole = model.predict(texts)
    monkeypatch.setattr("pytest_ood.models.prompted.CHUNK", 7)
    batches = list(replace(model, batch_size=4).predict_batches(texts))
    assert len(batches) >= len(texts) // 7
    found = {
        n: answer for some, answers in batches for n, answer in zip(some, answers, strict=True)
    }
    assert sorted(found) == list(range(len(texts)))
    for index, answer in found.items():
        assert answer.label == whole[index].label
        assert answer.scores == pytest.approx(whole[index].scores, abs=1e-4)


def test_no_input_gives_no_answer(make: Callable[..., PromptedModel]) -> None:
    """An empty list is answered with an empty list."""
    assert make().predict([]) == []


def test_an_empty_prompt_is_answered_alike(make: Callable[..., PromptedModel]) -> None:
    """A template that is the text alone answers an empty text alike, or says that it cannot."""
    model = make(prompt="{text}", demonstrations=None)
    try:
        together = [model.predict(["", text])[0] for text in ("film", "the film and the plot")]
        alone = model.predict([""])[0]
    except ModelError as error:
        assert "prompt" in str(error)  # noqa: PT017 - either of the two is right
    else:
        assert together == [alone, alone]


def test_named_fields_are_put_in(checkpoint: Path, make: Callable[..., PromptedModel]) -> None:
    """Inputs of several fields fill a template of several fields."""
    template = "If {premise} then {hypothesis}:"
    model = make(prompt=template, demonstrations=None)
    pairs = [{"premise": "the film", "hypothesis": word} for word in WORDS]
    rows = one_by_one(checkpoint, model.prompt, pairs)
    for answer, row in zip(model.predict(pairs), rows, strict=True):
        assert list(answer.scores.values()) == pytest.approx(row, abs=1e-3)
    with pytest.raises(DataError, match=r"unknown field '\{premise\}'"):
        model.predict(["a text"])


LONG = {"negative": "dreadful film", "positive": "superb the plot"}
"""Label words of several tokens."""


def loop_over_labels(
    folder: Path, prompt: Prompt, inputs: Sequence[Inputs], end: str = ""
) -> list[list[float]]:
    """Return the log-probabilities of whole label words: a forward pass each, no cache."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    rows = []
    for value in inputs:
        start = len(tokenizer(prompt.render(value))["input_ids"])
        row = []
        for word in prompt.label_words.values():
            text = f"{prompt.render(value)} {word}{end}"
            ids = tokenizer(text, return_tensors="pt")["input_ids"]
            assert ids.shape[1] > start + 1, "a label of several tokens"
            with torch.inference_mode():
                shares = model(ids, use_cache=False).logits[0, :-1].log_softmax(-1)
            row.append(float(shares[range(start - 1, ids.shape[1] - 1), ids[0, start:]].sum()))
        rows.append(row)
    return rows


def softmax(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the rows as probabilities."""
    shares = np.exp(np.array(rows))
    return (shares / shares.sum(axis=1, keepdims=True)).tolist()


@pytest.mark.parametrize(
    "options",
    [{}, {"demonstrations": None}, {"batch_size": 1}, {"normalize": "tokens"},
     {"normalize": "characters"}, {"normalize": "empty"}, {"calibrate": True},
     {"score_end": True}],
    ids=str,
)  # fmt: skip
def test_labels_of_several_tokens_are_scored(
    options: dict[str, Any], make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Scores are those of a plain loop over texts and labels, and so are the answers."""
    model = make(label_words=LONG, **options)
    end = "\n" if options.get("score_end") else ""
    rows = np.array(loop_over_labels(checkpoint, model.prompt, TEXTS, end))
    if options.get("normalize") == "tokens":
        lengths = [len(label) for label in model.label_tokens]
        assert min(lengths) < max(lengths)
        rows /= lengths
    if options.get("normalize") == "characters":
        rows /= [len(model.prompt.label_words[label]) for label in model.labels]
    if options.get("normalize") == "empty":
        rows -= loop_over_labels(checkpoint, model.prompt, [""])
    expected = softmax(rows)
    if options.get("calibrate"):
        free_rows = softmax(loop_over_labels(checkpoint, model.prompt, CONTENT_FREE))
        free = [sum(column) / len(free_rows) for column in zip(*free_rows, strict=True)]
        expected = [_calibrated(row, free, 0.0) for row in expected]
    answers = model.predict(TEXTS)
    assert len({answer.scores["positive"] for answer in answers}) > 10
    for answer, row in zip(answers, expected, strict=True):
        assert list(answer.scores.values()) == pytest.approx(row, abs=1e-3)
        if abs(row[0] - row[1]) > 1e-3:
            assert answer.label == ("negative", "positive")[row[1] > row[0]]


def test_a_sum_is_no_score_of_the_beginning_of_a_label(
    make: Callable[..., PromptedModel],
) -> None:
    """A label that begins another is refused under sums, with what to write instead."""
    words = {"negative": "film", "positive": "film and"}
    with pytest.raises(ModelError) as caught:
        make(label_words=words).predict(["x"])
    told = str(caught.value)
    assert "the label word 'film' is the beginning of 'film and' ('\u0120film')" in told
    assert "score_end = true" in told
    assert "`label_words`" in told
    for options in ({"score_end": True}, {"normalize": "tokens"}, {"normalize": "empty"}):
        assert make(label_words=words, **options).predict(TEXTS)
    with pytest.raises(ModelError, match="is the beginning of"):
        make(label_words=words).estimate(["x"])


def test_words_of_one_token_are_related_to_the_empty_input(
    make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Under `normalize = "empty"` words of one token are divided by their probability without."""
    model = make(normalize="empty")
    (free,) = one_by_one(checkpoint, model.prompt, [""])
    rows = one_by_one(checkpoint, model.prompt, TEXTS)
    for answer, row in zip(model.predict(TEXTS), rows, strict=True):
        assert list(answer.scores.values()) == pytest.approx(_calibrated(row, free), abs=1e-3)


def test_words_of_one_token_have_no_length(make: Callable[..., PromptedModel]) -> None:
    """Per token, words of one token have the scores that they have."""
    assert make(normalize="tokens").predict(TEXTS) == make().predict(TEXTS)


def test_words_of_one_token_have_characters(
    make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Per character, words of one token differ in length as longer words do."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = {"negative": "film", "positive": "positive"}
    model = make(label_words=words, normalize="characters")
    assert [len(label) for label in model.label_tokens] == [1, 1]
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    network = AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    tokens = [token for (token,) in model.label_tokens]
    for text, answer in zip(TEXTS, model.predict(TEXTS), strict=True):
        with torch.inference_mode():
            logits = network(**tokenizer(model.prompt.render(text), return_tensors="pt")).logits
        scores = logits[0, -1].log_softmax(-1)[tokens].numpy() / [len("film"), len("positive")]
        assert list(answer.scores.values()) == pytest.approx(softmax([scores])[0], abs=1e-3)


def test_recurrent_models_are_scored(tmp_path: Path, context: Context) -> None:
    """A state that cannot be copied is computed anew; answers from it are refused clearly."""
    tokenizer = byte_pairs(["</s>"], roles={"eos": "</s>"})
    folder = saved(
        tmp_path / "mamba", "MambaForCausalLM", "MambaConfig", tokenizer,
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, initializer_range=0.5,
    )  # fmt: skip
    options = {"prompt": "Q: {text}\nA:", "device": "cpu"}
    model = build(
        str(folder), context, label_words={"negative": "dull", "positive": "fun"}, **options
    )
    expected = softmax(loop_over_labels(folder, model.prompt, TEXTS[:2]))
    for answer, row in zip(model.predict(TEXTS[:2]), expected, strict=True):
        assert list(answer.scores.values()) == pytest.approx(row, abs=1e-3)
    with pytest.raises(ModelError, match="MambaForCausalLM keeps a state that cannot be copied"):
        build(str(folder), context, answer="generated", **options).predict(["x"])


def test_there_is_room_for_the_longest_label(make: Callable[..., PromptedModel]) -> None:
    """A prompt that fits, but not with the label tokens that pass the model, is refused."""
    model, words = make(demonstrations=None), make(demonstrations=None, label_words=LONG)
    tokenizer = model.checkpoint.loaded[1]
    empty = len(tokenizer(model.prompt.render("film"))["input_ids"])
    longest = max(len(label) for label in words.label_tokens)
    fits = " ".join(["film"] * (1 + WINDOW - empty))
    assert model.predict([fits])
    with pytest.raises(TooLongError, match=f"an answer of {longest - 1} does not fit") as caught:
        words.predict([fits, "film"])
    assert caught.value.inputs == (fits,)
    shorter = " ".join(["film"] * (1 + WINDOW - empty - (longest - 1)))
    assert words.predict([shorter])
    with pytest.raises(TooLongError):
        words.predict([f"{shorter} film"])


def test_label_words_are_different_tokens(
    checkpoint: Path, context: Context, tmp_path: Path
) -> None:
    """Words that are the same to a tokenizer, such as one that lowers them, are refused."""
    folder = shutil.copytree(checkpoint, tmp_path / "lowering")
    settings = json.loads((folder / "tokenizer.json").read_text())
    settings["normalizer"] = {"type": "Lowercase"}
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    words = {"negative": "film", "positive": "Film"}
    model = build(str(folder), context, prompt="{text}:", label_words=words)
    with pytest.raises(ModelError, match="'film' and 'Film' are the same tokens to it"):
        model.predict(["x"])


def test_another_prompt_shares_the_weights(make: Callable[..., PromptedModel]) -> None:
    """A model under another prompt answers as one that was built with it, and loads nothing."""
    model = make()
    prompt = replace(model.prompt, instruction="Tell what a review is.\n")
    other = model.with_prompt(prompt)
    assert other.predict(TEXTS) == make(prompt=TEMPLATE.replace("Say", "Tell")).predict(TEXTS)
    assert other.checkpoint.loaded is model.checkpoint.loaded
    assert other.fingerprint != model.fingerprint
    assert model.with_prompt(model.prompt).fingerprint == model.fingerprint
    assert is_promptable(model)


@pytest.mark.parametrize("options", [{}, {"answer": "generated", "max_new_tokens": 4}], ids=str)
def test_a_model_may_be_spread_over_devices(
    options: dict[str, Any],
    checkpoint: Path,
    make: Callable[..., PromptedModel],
    room_for: Callable[[int], None],
) -> None:
    """Where one device has no room for all of it, the answers are the same."""
    usual = make(**options)
    room_for(checkpoint.joinpath("model.safetensors").stat().st_size // 2)
    spread = make(device="auto", device_map="sequential", **options)
    assert spread.fingerprint == usual.fingerprint
    assert spread.parameters["device_map"] == "sequential"
    assert spread.checkpoint.loaded is not usual.checkpoint.loaded
    assert spread.predict(TEXTS) == usual.predict(TEXTS)
    assert "disk" in spread.checkpoint.loaded[2].hf_device_map.values()


def test_models_of_a_run_share_the_weights(
    checkpoint: Path, context: Context, make: Callable[..., PromptedModel]
) -> None:
    """Two tables on one checkpoint load it once, and under another type anew; nothing is sent."""
    first, second = make(), make(demonstrations=None, answer="generated")
    named = replace(context, name="third")
    third = build(str(checkpoint), named, prompt=TEMPLATE, device="cpu")
    assert first.checkpoint.loaded is second.checkpoint.loaded is third.checkpoint.loaded
    assert make(dtype="bfloat16").checkpoint.loaded is not first.checkpoint.loaded
    elsewhere = build(str(checkpoint), replace(context, held=ProcessLocalDict()), prompt=TEMPLATE)
    assert elsewhere.checkpoint.loaded is not first.checkpoint.loaded
    assert pickle.loads(pickle.dumps(context.held)) == {}


def test_a_prompt_beyond_the_window_is_counted_in_a_run(
    make: Callable[..., PromptedModel],
) -> None:
    """Of a set, what does not fit got no answer, with the reason; the rest is answered."""
    engine, model = Engine(MemoryStore(), Silent()), make()
    texts = ["film " * WINDOW, *TEXTS, "plot " * WINDOW]
    (found,) = engine.predict_in_blocks(model, texts, model.labels, "x", count_long=True)
    reason = f"the prompt does not fit the model's window of {WINDOW} tokens"
    assert [answer.error for answer in found.predictions] == [reason, *[None] * len(TEXTS), reason]
    assert found.predictions[1:-1] == model.predict(TEXTS)
    assert engine.tally("model").unanswered == 2


def test_a_prompt_beyond_the_window_is_refused(make: Callable[..., PromptedModel]) -> None:
    """A prompt that does not fit is an error with both sizes, whatever else is asked."""
    with pytest.raises(ModelError) as caught:
        make().predict(["film", "film " * WINDOW])
    assert f"does not fit its window of {WINDOW}" in str(caught.value)
    assert isinstance(caught.value, TooLongError)
    assert caught.value.inputs == ("film " * WINDOW,)


def test_demonstrations_beyond_the_window_are_refused(make: Callable[..., PromptedModel]) -> None:
    """Demonstrations that fill the window alone are the same error."""
    with pytest.raises(ModelError, match="use fewer demonstrations"):
        make(demonstrations=SHOWN * 40).predict(["film"])


def test_calibration_divides_by_the_content_free(
    make: Callable[..., PromptedModel], checkpoint: Path
) -> None:
    """Scores are divided by the mean over inputs without content, and made to add up to 1."""
    model = make(calibrate=True)
    free_rows = one_by_one(checkpoint, model.prompt, CONTENT_FREE)
    free = [sum(column) / len(CONTENT_FREE) for column in zip(*free_rows, strict=True)]
    for answer, row in zip(
        model.predict(TEXTS), one_by_one(checkpoint, model.prompt, TEXTS), strict=True
    ):
        ratios = [score / share for score, share in zip(row, free, strict=True)]
        expected = [ratio / sum(ratios) for ratio in ratios]
        assert list(answer.scores.values()) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("row", "free", "expected"),
    [
        ([0.5, 0.5], [0.5, 0.5], [0.5, 0.5]),
        ([0.9, 0.1], [0.9, 0.1], [0.5, 0.5]),
        ([0.6, 0.4], [0.8, 0.2], [0.75 / 2.75, 2 / 2.75]),
        ([1.0, 0.0], [1.0, 0.0], [1.0, 0.0]),
    ],
)
def test_the_formula_of_calibration(
    row: list[float], free: list[float], expected: list[float]
) -> None:
    """Each score over its content-free one, normalised; a share of 0 does not divide by 0."""
    assert _calibrated(row, free) == pytest.approx(expected)


def test_calibration_needs_a_single_text(make: Callable[..., PromptedModel]) -> None:
    """A prompt of other fields cannot be calibrated, which is a usage error."""
    model = make(prompt="{a} {b}:", demonstrations=None, calibrate=True)
    with pytest.raises(ConfigurationError, match="single-text prompts"):
        model.predict([{"a": "x", "b": "y"}])


def test_calibration_with_a_further_field_is_a_usage_error(
    make: Callable[..., PromptedModel],
) -> None:
    """A field beside {text} is refused like any other prompt of several fields."""
    model = make(prompt="{text} {b}:", demonstrations=None, calibrate=True)
    with pytest.raises(ConfigurationError, match="single-text prompts"):
        model.predict([{"text": "x", "b": "y"}])


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": TEMPLATE.replace("Say", "Tell")},
        {"prompt": TEMPLATE.replace("Sentiment", "Verdict")},
        {"demonstrations": SHOWN[::-1]},
        {"demonstrations": SHOWN[:1]},
        {"shots": 1},
        {"demonstrations": [{"text": "a wonderful film", "label": "negative"}, SHOWN[1]]},
        {"label_words": {"negative": "boring", "positive": "superb"}},
        {"calibrate": True},
        {"normalize": "tokens"},
        {"normalize": "empty"},
        {"score_end": True},
        {"dtype": "bfloat16"},
        {"answer": "generated"},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_what_decides(
    change: dict[str, Any], make: Callable[..., PromptedModel]
) -> None:
    """Instruction, template, demonstrations, their order, words and calibration change it."""
    assert make(**change).fingerprint != make().fingerprint


def test_the_fingerprint_changes_with_how_answers_are_written(
    make: Callable[..., PromptedModel],
) -> None:
    """Length and stop of generated answers change it, and the report tells them."""
    usual = make(answer="generated")
    assert make(answer="generated", max_new_tokens=16, stop="\n").fingerprint == usual.fingerprint
    for change in ({"max_new_tokens": 5}, {"stop": ""}):
        assert make(answer="generated", **change).fingerprint != usual.fingerprint
    assert usual.parameters["answer"] == "generated"
    assert usual.parameters["max_new_tokens"] == 16
    usual_keys = make().parameters.keys()
    assert not usual_keys & {"answer", "normalize", "score_end"}, "earlier scores are kept"


def test_the_fingerprint_changes_with_nothing_else(
    make: Callable[..., PromptedModel],
    checkpoint: Path,
    tmp_path: Path,
    context_of: Callable[..., Context],
) -> None:
    """Batch size, device, name, folder, other files and having been asked do not change it."""
    usual = make()
    assert make(batch_size=3).fingerprint == usual.fingerprint
    assert make(device="auto").fingerprint == usual.fingerprint
    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    (folder / "README.md").write_text("notes")
    other = build("copy", context_of(tmp_path, name="other"), prompt=TEMPLATE, demonstrations=SHOWN)
    assert other.fingerprint == usual.fingerprint
    asked = make()
    asked.predict(["film"])
    assert asked.fingerprint == usual.fingerprint


def test_the_fingerprint_changes_with_the_weights(
    checkpoint: Path, context: Context, make: Callable[..., PromptedModel]
) -> None:
    """One changed bit of the weights, or another tokenizer setting, changes it."""
    folder = shutil.copytree(checkpoint, context.root / "copy")
    options = {"prompt": TEMPLATE, "demonstrations": SHOWN}
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    first = build("copy", context, **options).fingerprint
    assert first != make().fingerprint
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "add_bos_token": True}))
    assert build("copy", context, **options).fingerprint != first


def test_a_prompt_file_is_read(
    checkpoint: Path, context: Context, make: Callable[..., PromptedModel]
) -> None:
    """A prompt in a file is the same as the prompt itself; a missing file is a usage error."""
    for encoding in ("utf-8", "utf-8-sig"):
        (context.root / "p.txt").write_text(TEMPLATE, encoding=encoding)
        model = build(str(checkpoint), context, prompt="p.txt", demonstrations=SHOWN)
        assert model.fingerprint == make().fingerprint
    with pytest.raises(ConfigurationError, match=r"prompt file .*q\.txt cannot be read"):
        build(str(checkpoint), context, prompt="q.txt")


def test_demonstrations_are_drawn_from_data(
    checkpoint: Path, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """Out of data, the labels take turns; the seed decides which, not the order of the data."""
    rows = [(f"text {n}", "positive" if n % 2 else "negative") for n in range(20)]
    data = Dataset.from_pairs("data", rows)
    options = {"prompt": TEMPLATE, "demonstrations": "x"}

    def shown(data: Dataset, **changes: Any) -> tuple[Example, ...]:
        context = context_of(tmp_path, data)
        model: PromptedModel = build(str(checkpoint), context, **options, **changes)
        return model.prompt.demonstrations

    usual = shown(data)
    assert [example.label for example in usual] == ["negative", "positive"] * 2
    assert shown(Dataset("data", data.examples[::-1])) == usual
    assert shown(data, shots=2) == usual[:2]
    assert shown(data, shots=0) == ()
    assert shown(data, demonstration_seed=1) != usual


def test_what_ran_is_told(make: Callable[..., PromptedModel], checkpoint: Path) -> None:
    """Source and parameters tell the checkpoint and the prompt, and can be written as JSON."""
    model = make()
    assert model.paradigm == "prompted"
    assert model.source == str(checkpoint)
    assert model.parameters["instruction"] == "Say what a review is.\n"
    assert model.parameters["template"] == "Review: {text}\nSentiment:"
    assert model.parameters["shots"] == 2
    assert json.loads(json.dumps(dict(model.parameters))) == dict(model.parameters)


def test_an_unreachable_hub_id_says_what_to_do(context: Context) -> None:
    """Offline, a checkpoint that is neither here nor cached is an error that names ways out."""
    with pytest.raises(ModelError) as caught:
        build("hf:nobody/nothing-at-all", context, prompt=TEMPLATE).predict(["x"])
    assert "model 'model': 'nobody/nothing-at-all' is neither a folder" in str(caught.value)
    assert "asset:smollm2" in str(caught.value)


def test_a_folder_without_a_model_is_refused(context: Context) -> None:
    """A folder without a checkpoint or a single GGUF file is named in the error."""
    (context.root / "empty").mkdir()
    model = build("empty", context, prompt=TEMPLATE)
    with pytest.raises(ModelError, match=r"neither a config\.json nor exactly one GGUF file"):
        model.predict(["x"])
    (context.root / "empty" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded as a causal language model"):
        build("empty", context, prompt=TEMPLATE).predict(["x"])


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("x", {"prompt": "{0} no field"}, "names no field; write {text}"),
        ("x", {"batch_size": 0}, "batch_size = 0 has to be 1 or more"),
        ("x", {"shots": -1}, "shots = -1 has to be 0 or more"),
        ("x", {"shots": 2}, "shots = 2 needs `demonstrations`"),
        ("x", {"shots": 3, "demonstrations": SHOWN}, "shots = 3, but 2 demonstrations are given"),
        ("x", {"demonstrations": ["text"]}, "demonstration 1 is a table of fields and a label"),
        ("x", {"demonstrations": [{"label": "positive"}]}, "demonstration 1 is a table"),
        ("x", {"demonstrations": [{"text": "a", "label": "x"}]}, "demonstration 1 is a table"),
        ("x", {"label_words": {"negative": "bad"}}, "no word for the label 'positive'"),
        ("x", {"label_words": {"negative": "a", "positive": "b", "c": "d"}}, "unknown label 'c'"),
        ("x", {"device": "gpu"}, "unknown device 'gpu'"),
        ("x", {"device_map": "all"}, "unknown device_map 'all'"),
        ("x", {"device_map": "auto", "device": "cuda"}, "give one of the two"),
        ("x", {"dtype": "int8"}, "unknown dtype 'int8'"),
        ("x", {"answer": "spoken"}, "unknown answer 'spoken'"),
        ("x", {"max_new_tokens": 5}, 'max_new_tokens needs answer = "generated"'),
        ("x", {"stop": "."}, 'stop needs answer = "generated"'),
        (
            "x",
            {"answer": "generated", "max_new_tokens": 0},
            "max_new_tokens = 0 has to be 1 or more",
        ),
        ("x", {"answer": "generated", "calibrate": True}, "calibrate = true divides scores"),
        ("x", {"normalize": "mean"}, "normalize: unknown value 'mean'"),
        ("x", {"normalize": "empty", "calibrate": True}, 'and normalize = "empty" both divide'),
        ("x", {"normalize": "tokens", "temperature": 1.0}, 'normalize needs answer = "scored"'),
        ("x", {"score_end": True, "answer": "generated"}, 'score_end needs answer = "scored"'),
        ("x", {"samples": 5}, "samples = 5 at temperature = 0 would all be the same"),
        ("x", {"samples": 0}, "samples = 0 has to be 1 or more"),
        ("x", {"seed": 3}, "seed = 3 at temperature = 0 seeds nothing"),
        ("x", {"temperature": -1.0}, "temperature = -1.0 has to be 0 or more"),
        ("x", {"vote": "complexity", "vote_top": 1}, "needs samples = 2 or more"),
        ("x", {"answer": "scored", "temperature": 1.0}, 'a temperature needs answer = "gen'),
        ("x", {"answer": "scored", "chain_of_thought": True}, "a chain of thought needs answer"),
        ("x", {"chain_of_thought": True, "calibrate": True}, "calibrate = true divides scores"),
        ("x", {"chain_of_thought": True, "demonstrations": SHOWN}, "'1' has no rationale"),
        ("x", {"label_words": dict.fromkeys(("negative", "positive"), "a")}, "stands for"),
    ],
)
def test_wrong_values_are_refused(
    source: str, options: dict[str, Any], message: str, context: Context
) -> None:
    """What cannot work is a usage error before anything is loaded."""
    with pytest.raises(ConfigurationError) as caught:
        build(source, context, **{"prompt": TEMPLATE, **options})
    assert message in str(caught.value)


def test_a_demonstration_s_text_is_a_string(context: Context) -> None:
    """A number for a text is a usage error, not a crash when the prompt is put together."""
    with pytest.raises(ConfigurationError, match="demonstration 1"):
        build("x", context, prompt=TEMPLATE, demonstrations=[{"text": 5, "label": "positive"}])


def test_a_demonstration_has_the_template_s_fields(context: Context) -> None:
    """A demonstration without a field of the template is refused when the model is described."""
    with pytest.raises(ConfigurationError, match="text"):
        build("x", context, prompt=TEMPLATE, demonstrations=[{"review": "a", "label": "positive"}])


@pytest.mark.usefixtures("ray_cluster")
def test_a_prompted_model_answers_on_a_cluster(
    make: Callable[..., PromptedModel], tmp_path: Path
) -> None:
    """Its actor loads the checkpoint, answers as it does here, and names too long prompts."""
    model = make()
    here = model.predict(TEXTS)
    # What is sent holds no weights.
    sent = pickle.loads(cloudpickle.dumps(model))
    assert {"loaded"} == vars(model.checkpoint).keys() - vars(sent.checkpoint).keys()
    assert {"decoder", "rendering"} == vars(model).keys() - vars(sent).keys()
    runner = RayRunner(ClusterSettings(actors=1), tmp_path)
    engine = Engine(MemoryStore(), Silent(), runner)
    assert engine.predict(model, TEXTS, model.labels, "x") == here
    long = "film " * 2 * WINDOW
    with pytest.raises(TooLongError, match="does not fit its window") as caught:
        engine.predict(model, [long, "a film"], model.labels, "x")
    assert caught.value.inputs == (long,)
    runner.close()


def test_tokens_and_operations_are_estimated_without_weights(
    checkpoint: Path, make: Callable[..., PromptedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every prompt's tokens count; what all share is computed once; answers come on top."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    texts: list[Inputs] = ["a fine film", "dull"]
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", None)
    for options, said in (({}, 0), ({"answer": "generated", "max_new_tokens": 3}, 6)):
        model = make(**options)
        sizes = [len(tokenizer(model.prompt.render(text))["input_ids"]) for text in texts]
        estimated = model.estimate(texts)
        assert (estimated.prompt_tokens, estimated.completion_tokens) == (sum(sizes), said)
        assert 0 < estimated.operations < 2.0 * weight_count(checkpoint) * (sum(sizes) + said)
        assert model.at_hand
        assert model.estimate([]) == Usage()


def test_label_tokens_are_estimated(checkpoint: Path, make: Callable[..., PromptedModel]) -> None:
    """Behind each prompt the tokens of labels that pass the model count, common ones once."""
    words = {"negative": "superb plot and film", "positive": "superb plot and the film"}
    usual, long = (make(demonstrations=None, **more) for more in ({}, {"label_words": words}))
    assert [len(label) for label in long.label_tokens] == [4, 5]
    # The first three tokens are common, and of the longer label the fourth passes the model too.
    one, other = usual.estimate(TEXTS[:2]), long.estimate(TEXTS[:2])
    assert other.prompt_tokens == one.prompt_tokens + 2 * 4
    added = 2.0 * weight_count(checkpoint) * 2 * 4
    assert other.operations == pytest.approx(one.operations + added)


def test_what_has_to_be_fetched_is_not_at_hand(context: Context) -> None:
    """A packaged model that was not fetched, and a hub id offline, are not there, and stay so."""
    for source in ("asset:smollm2", "some/model"):
        assert not build(source, replace(context, offline=True), prompt="{text} is").at_hand
    assert not context.cache.joinpath("assets").exists()
