"""Chat templates of local models: real tokenizers, and a network that is only small."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chat_checkpoints import (
    PROMPT,
    QUESTION,
    RULES,
    SHOWN,
    SPECIAL,
    WORDS,
    save_chat_model,
    with_template,
)

from pytest_ood.data.examples import Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.data.parsing import parse_answer
from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models._chat import stored_template
from pytest_ood.models._gguf import gguf_text
from pytest_ood.models.prompted import Generation, PromptedModel
from pytest_ood.models.protocol import Context

build = adapter("prompted").build

WRITTEN = ("chatml", "llama", "gemma", "mistral", "systemless", "dated")
"""The styles behind whose headers label words are scored."""

FOLDED = ("gemma", "systemless")
"""The styles without a system message."""

TEXTS: list[Inputs] = [
    "a good film", "bad", "", " \n", "good " * 9, "caf\u00e9 \U0001f680", "positive </s> bad",
    "a good plot", "a good film", "b",
]  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(
    tmp_path_factory: pytest.TempPathFactory,
    one_thread: None,  # noqa: ARG001 - while it runs
) -> Callable[[str], Path]:
    """Return a function that makes a chat model with a template of a style."""
    base = save_chat_model(tmp_path_factory.mktemp("chat"), "none")

    @cache
    def made(style: str) -> Path:
        folder = shutil.copytree(base, tmp_path_factory.mktemp(style) / style)
        return with_template(folder, style)

    return made


@pytest.fixture
def make(checkpoint: Callable[[str], Path], context: Context) -> Callable[..., PromptedModel]:
    """Return a maker of models on a checkpoint of a style."""

    def maker(style: str = "chatml", **changes: Any) -> PromptedModel:
        options = {
            "prompt": PROMPT, "demonstrations": SHOWN, "device": "cpu", "label_words": WORDS,
        }  # fmt: skip
        model: PromptedModel = build(str(checkpoint(style)), context, **{**options, **changes})
        return model

    return maker


def tokenizer_of(folder: Path) -> Any:
    """Load a tokenizer with nothing but transformers."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def network_of(folder: Path) -> Any:
    """Load a network with nothing but transformers."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).eval()


def conversation(style: str, text: Inputs, *, rules: bool, shown: bool) -> list[dict[str, str]]:
    """Write the messages of PROMPT by hand."""
    messages = []
    if shown:
        for given, answer in (("good good", "good"), ("bad", "bad")):
            messages.append({"role": "user", "content": f"Review: {given}\nSentiment:"})
            messages.append({"role": "assistant", "content": answer})
    messages.append({"role": "user", "content": f"Review: {text}\nSentiment:"})
    if rules and style in FOLDED:
        messages[0]["content"] = f"{RULES}\n\n{messages[0]['content']}"
    elif rules:
        messages.insert(0, {"role": "system", "content": RULES})
    return messages


@pytest.mark.parametrize("style", [*WRITTEN, "qwen3", "opened", "headerless"])
@pytest.mark.parametrize(("rules", "shown"), [(True, True), (True, False), (False, True)])
def test_prompts_are_those_of_apply_chat_template(
    style: str,
    rules: bool,  # noqa: FBT001
    shown: bool,  # noqa: FBT001
    checkpoint: Callable[[str], Path],
    make: Callable[..., PromptedModel],
) -> None:
    """Token by token: roles, turns, the header of the answer, and one beginning of a sequence."""
    parts = {"prompt": PROMPT if rules else QUESTION, "demonstrations": SHOWN if shown else None}
    model = make(style, **parts, answer="generated")
    tokenizer = tokenizer_of(checkpoint(style))
    for text in TEXTS:
        messages = conversation(style, text, rules=rules, shown=shown)
        expected = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        (tokens,) = model.rendering.tokens([model.rendering.text(text)])
        assert list(tokens) == expected
        assert expected.count(tokenizer.bos_token_id) == (style in ("llama", "gemma", "mistral"))
    start = model.decoder.start
    assert len(start) > 10 or not (rules or shown) or style == "mistral"


@pytest.mark.parametrize("style", [*WRITTEN, "qwen3"])
def test_label_words_are_those_of_a_whole_conversation(
    style: str, checkpoint: Callable[[str], Path], make: Callable[..., PromptedModel]
) -> None:
    """A word is scored as the template writes it as an answer: with a space for Mistral's only."""
    options = {"chat_options": {"enable_thinking": False}} if style == "qwen3" else {}
    model = make(style, **options)
    tokenizer = tokenizer_of(checkpoint(style))
    (prompt,) = model.rendering.tokens([model.rendering.text("a film")])
    words = []
    for word in WORDS.values():
        messages = conversation(style, "a film", rules=True, shown=True)
        messages.append({"role": "assistant", "content": word})
        whole = tokenizer.apply_chat_template(messages)["input_ids"]
        assert tuple(whole[: len(prompt)]) == prompt
        words.append(whole[len(prompt)])
    space = "\u0120" if style == "mistral" else ""
    assert tokenizer.convert_ids_to_tokens(words) == [f"{space}bad", f"{space}good"]
    assert words_of(model) == words


def words_of(model: PromptedModel) -> list[int]:
    """Return the tokens that a model scores, one a label."""
    return [token for (token,) in model.label_tokens]


def one_by_one(
    folder: Path, model: PromptedModel, style: str, inputs: Sequence[Inputs]
) -> list[list[float]]:
    """Score the label words with nothing but transformers: a conversation at a time, no cache."""
    import torch

    tokenizer, network = tokenizer_of(folder), network_of(folder)
    rows = []
    for text in inputs:
        messages = conversation(style, text, rules=True, shown=True)
        ids = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt"
        )["input_ids"]
        with torch.inference_mode():
            logits = network(ids, use_cache=False).logits[0, -1, words_of(model)]
        rows.append(logits.softmax(-1).tolist())
    return rows


@pytest.mark.parametrize("style", ["llama", "mistral", "systemless"])
def test_scores_are_those_of_one_by_one(
    style: str, checkpoint: Callable[[str], Path], make: Callable[..., PromptedModel]
) -> None:
    """With the common beginning computed once, with prompts packed into rows and without."""
    model, alone = make(style), make(style, batch_size=3)
    vars(alone.checkpoint)["packs"] = False
    expected = one_by_one(checkpoint(style), model, style, TEXTS)
    assert model.checkpoint.packs
    assert len(model.decoder.start) > 5
    for asked in (model, alone):
        answers = asked.predict(TEXTS)
        scores = [list(answer.scores.values()) for answer in answers]
        assert [pytest.approx(row, abs=1e-3) for row in expected] == scores
    assert len(set(map(tuple, scores))) > len(TEXTS) // 2


LONG_WORDS = {"negative": "bad", "positive": "bad good"}
"""Label words of one token and more, of which one begins the other."""


@pytest.mark.parametrize("style", [style for style in WRITTEN if style != "dated"])
def test_labels_of_several_tokens_end_with_the_turn(
    style: str, checkpoint: Callable[[str], Path], make: Callable[..., PromptedModel]
) -> None:
    """With their end they are the whole answer of a conversation, and scored as in a plain loop."""
    import torch

    model = make(style, label_words=LONG_WORDS, demonstrations=None, score_end=True)
    tokenizer, network = tokenizer_of(checkpoint(style)), network_of(checkpoint(style))
    answers = model.predict(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        messages = conversation(style, text, rules=True, shown=False)
        start = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        sums = []
        for word, label in zip(LONG_WORDS.values(), model.label_tokens, strict=True):
            said = [*messages, {"role": "assistant", "content": word}]
            whole = tokenizer.apply_chat_template(said)["input_ids"][: len(start) + len(label)]
            assert (*start, *label) == tuple(whole)
            assert tokenizer.convert_ids_to_tokens(whole)[-1] in SPECIAL
            with torch.inference_mode():
                logits = network(torch.tensor([whole]), use_cache=False).logits[0].log_softmax(-1)
            sums.append(logits[range(len(start) - 1, len(whole) - 1), list(label)].sum())
        expected = torch.stack(sums).softmax(-1).tolist()
        assert list(answer.scores.values()) == pytest.approx(expected, abs=1e-3)
    with pytest.raises(ModelError, match="'bad' is the beginning of 'bad good'"):
        make(style, label_words=LONG_WORDS).predict(TEXTS)


def generated(folder: Path, style: str, inputs: Sequence[Inputs], longest: int) -> list[str]:
    """Generate greedily with nothing but transformers, to the end of the turn."""
    tokenizer, network = tokenizer_of(folder), network_of(folder)
    ends = {"llama": "<|eot_id|>", "gemma": "<end_of_turn>"}.get(style, "<|im_end|>")
    texts = []
    for text in inputs:
        ids = tokenizer.apply_chat_template(
            conversation(style, text, rules=True, shown=True), add_generation_prompt=True,
            return_tensors="pt", return_dict=True,
        )  # fmt: skip
        said = network.generate(
            **ids, max_new_tokens=longest, do_sample=False, pad_token_id=2,
            eos_token_id=[1, SPECIAL.index(ends)],
        )[0, ids["input_ids"].shape[1] :]  # fmt: skip
        texts.append((tokenizer.decode(said, skip_special_tokens=True), len(said)))
    return texts


@pytest.mark.slow
@pytest.mark.parametrize("style", ["chatml", "llama", "gemma"])
def test_a_generated_answer_ends_with_the_turn(
    style: str, checkpoint: Callable[[str], Path], make: Callable[..., PromptedModel]
) -> None:
    """An answer is what `generate` writes, over line breaks, up to the end of its turn."""
    model = make(style, answer="generated", max_new_tokens=12)
    expected = generated(checkpoint(style), style, TEXTS, 12)
    answers = model.predict(TEXTS)
    assert [answer.text for answer in answers] == [text.lstrip() for text, _ in expected]
    assert [a.label for a in answers] == [parse_answer(text, WORDS) for text, _ in expected]
    lengths = {length for _, length in expected}
    assert min(lengths) < 12, "no answer ends by itself: choose other weights"
    assert (
        make(style, answer="generated", max_new_tokens=12, batch_size=1).predict(TEXTS) == answers
    )
    assert model.parameters["stop"] == ""


def test_all_ends_of_a_turn_end_an_answer(
    checkpoint: Callable[[str], Path], context: Context
) -> None:
    """Those of the generation's configuration, of the tokenizer, and of the template."""
    folder = shutil.copytree(checkpoint("chatml"), context.root / "copy")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [5, 7]}))
    model = build("copy", context, prompt=PROMPT, answer="generated")
    ends = {int(end) for end in model.checkpoint.loaded[2].generation_config.eos_token_id}
    assert ends == {5, 7}
    assert model.rendering.ends == {1, SPECIAL.index("<|im_end|>")}
    plain = build("copy", context, prompt=PROMPT, answer="generated", chat=False)
    assert plain.rendering.ends == {1}


@pytest.mark.parametrize("style", WRITTEN)
def test_an_instruction_without_a_system_message_is_noted(
    style: str, make: Callable[..., PromptedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins the first message of the user; nothing is noted without one, or where it fits."""
    import transformers

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", None)
    notes = make(style, chat_options={"day": "1 May"}).notes
    assert [n.partition(";")[0] for n in notes] == (
        ["model: its chat template has no system message"] if style in FOLDED else []
    )
    assert make(style, prompt=QUESTION, chat_options={"day": "1 May"}).notes == ()


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ("raising", "its chat template raises: .*no, not me; prompt the model .*chat = false"),
        ("broken", "its chat template raises: .*nothing.*; prompt the model .*chat = false"),
        ("deaf", "its chat template leaves out messages"),
        ("headerless", r"writes '<\|im_start\|>assistant\\n' between the header and an answer"),
        ("opened", r"begins an answer with reasoning .* scored; let the model write its answer"),
        ("qwen3", r"reasoning .*leave it out: chat_options = { enable_thinking = false }, or let"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(
    style: str,
    message: str,
    make: Callable[..., PromptedModel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before weights are loaded, with the template's own words and with what to write."""
    import transformers

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", None)
    for ask in (PromptedModel.predict, PromptedModel.estimate):
        with pytest.raises(ModelError, match=f"(?s)model .model.: .*{message}"):
            ask(make(style), TEXTS)
    assert make(style, chat=False).estimate(TEXTS).prompt_tokens


def test_a_template_raises_in_its_sandbox(
    checkpoint: Callable[[str], Path], context: Context
) -> None:
    """A template that reaches for Python's insides gets nothing."""
    folder = shutil.copytree(checkpoint("chatml"), context.root / "copy")
    hostile = "{{ messages.__class__.__mro__[-1].__subclasses__() }}"
    (folder / "chat_template.jinja").write_text(hostile)
    with pytest.raises(ModelError, match=r"its chat template raises: .*unsafe"):
        build("copy", context, prompt=PROMPT).predict(["x"])


def test_reasoning_without_an_end_is_no_answer(make: Callable[..., PromptedModel]) -> None:
    """Where the header opens it, what is written is reasoning up to its mark, or all of it."""
    model = make("opened", answer="generated", max_new_tokens=30)
    answers = model.predict(TEXTS)
    assert {(answer.text or "")[:8] for answer in answers} == {"<think>\n"}
    closed = [answer for answer in answers if "</think>" in (answer.text or "")]
    assert 0 < len(closed) < len(answers), "choose other weights"
    for answer in answers:
        said = (answer.text or "").partition("</think>")[2]
        assert answer.label == parse_answer(said, WORDS)
    short = "max_new_tokens = 30 may cut off; give more"
    assert [note.rpartition("which ")[2] for note in model.notes] == [short]
    leave_out = ", or chat_options = { enable_thinking = false }"
    (note,) = make("qwen3", answer="generated", max_new_tokens=30).notes
    assert note.endswith(short + leave_out)
    assert make("qwen3", answer="generated", max_new_tokens=200).notes == ()
    off = {"enable_thinking": False}
    assert make("qwen3", answer="generated", chat_options=off).notes == ()


def test_marks_of_reasoning_that_are_special_tokens_are_read(
    checkpoint: Callable[[str], Path], context: Context
) -> None:
    """Decoding leaves special tokens out of an answer, but not these."""
    folder = shutil.copytree(checkpoint("chatml"), context.root / "copy")
    tokenizer = tokenizer_of(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<think>", "</think>"]})
    tokenizer.save_pretrained(folder)
    rendering = build("copy", context, prompt=PROMPT, answer="generated").rendering
    (said,) = rendering.tokens(["<think>bad</think>good<|im_end|></s>"])
    assert tokenizer.decode(said, skip_special_tokens=True) == "badgood"
    assert rendering.decoded(said) == "<think>bad</think>good"


@pytest.mark.parametrize(
    ("text", "said", "over"),
    [
        ("<think>\nbad\n</think>\n\ngood\nbad", "<think>\nbad\n</think>\n\ngood", True),
        ("<think>\nbad\n", "<think>\nbad\n", False),
        ("good\nbad", "good", True),
    ],
)
def test_a_stop_counts_behind_reasoning(text: str, said: str, over: bool) -> None:  # noqa: FBT001
    """Line breaks in a chain of thought end no answer."""
    generation = Generation(stop="\n", reasons=True)
    assert "".join(generation.read(text).split()) == "".join(said.split())
    assert generation.is_over(text) is over


def test_without_a_template_nothing_changes(make: Callable[..., PromptedModel]) -> None:
    """Prompts, fingerprints and parameters are those of plain text."""
    model, plain = make("none"), make("none", chat=False)
    assert model.fingerprint == plain.fingerprint
    assert "chat" not in model.parameters
    assert model.rendering.text("x") == model.prompt.render("x")
    assert model.notes == ()
    generated = make("none", answer="generated")
    assert generated.parameters["stop"] == "\n"


def test_fingerprints_tell_whether_the_template_is_used(
    make: Callable[..., PromptedModel],
) -> None:
    """And with which variables; `auto` is the same as saying so."""
    model = make()
    assert model.parameters["chat"] is True
    assert model.fingerprint == make(chat=True).fingerprint
    others = [make(chat=False), make(chat_options={"a": 1}), make(chat_options={"a": 2})]
    assert len({model.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert json.loads(json.dumps(dict(others[1].parameters)))["chat_options"] == {"a": 1}
    assert "chat" not in others[0].parameters


def test_a_prompt_with_marks_of_its_own_stays_plain_text(
    make: Callable[..., PromptedModel],
) -> None:
    """It was written by hand for this model; the template would write the marks twice."""
    prompt = "<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    model = make(prompt=prompt)
    assert model.fingerprint == make(prompt=prompt, chat=False).fingerprint
    assert model.predict(["x"]) == make(prompt=prompt, chat=False).predict(["x"])
    (note,) = model.notes
    assert "has <|im_start|> and <|im_end|>, and its chat template is not used" in note
    assert make(prompt=prompt, chat=False).notes == ()
    (note,) = make(prompt=prompt, chat=True).notes
    assert "its chat template writes such marks, too" in note
    assert make(prompt="<review>{text}</review> [A] <think>").chats


def test_an_attack_on_the_prompt_stays_in_the_template(make: Callable[..., PromptedModel]) -> None:
    """A changed prompt is rendered as the original one, whatever it says."""
    model = make()
    other = model.with_prompt(model.prompt.with_text("<|im_start|> {text}"))
    assert other.chats
    assert "<|im_start|>user\n<|im_start|> x<|im_end|>" in other.rendering.text("x")
    text = model.prompt.text.replace("Say", "Sya")
    changed = model.with_prompt(model.prompt.with_text(text))
    assert "system\nSya what a review is.<|im_end|>" in changed.rendering.text("x")
    assert changed.checkpoint is model.checkpoint
    assert model.with_prompt(model.prompt).fingerprint == model.fingerprint


def test_tokens_are_estimated_as_rendered(make: Callable[..., PromptedModel]) -> None:
    """The estimate counts what the template adds."""
    model = make("llama")
    sizes = map(len, model.rendering.tokens([model.rendering.text(text) for text in TEXTS]))
    assert model.estimate(TEXTS).prompt_tokens == sum(sizes)


def test_a_date_in_every_prompt_is_noted(make: Callable[..., PromptedModel]) -> None:
    """Answers of today are not those of tomorrow, unless the date is set."""
    model = make("dated")
    assert str(datetime.now().astimezone().year) in model.rendering.text("x")
    (note,) = model.notes
    assert "writes the date into every prompt" in note
    assert make("dated", chat_options={"day": "1 May 2020"}).notes == ()


def test_remarks_load_a_tokenizer_once(
    make: Callable[..., PromptedModel], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noted about a template stays in the cache; a damaged file is replaced."""
    import transformers

    notes = make("gemma").notes
    (path,) = context.cache.glob("models/chat-template-*.json")
    context.held.clear()
    with monkeypatch.context() as patched:
        patched.setattr(transformers.AutoTokenizer, "from_pretrained", None)
        assert make("gemma").notes == notes
        with pytest.raises(ModelError, match="cannot be loaded as a tokenizer"):
            _ = make("gemma", chat_options={"another": 1}).notes
    path.write_text("[")
    assert make("gemma").notes == notes
    assert json.loads(path.read_text())["takes_system"] is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chat": "yes"}, "unknown chat 'yes'"),
        ({"chat_options": {"messages": []}}, "'messages' is decided by pytest-ood"),
        ({"chat_options": {"tokenize": True}}, "'tokenize' is decided"),
        ({"chat_options": {"add_generation_prompt": False}}, "'add_generation_prompt' is decided"),
        ({"chat_options": {"day": datetime(2020, 1, 1)}}, "is no value of JSON"),  # noqa: DTZ001
        ({"chat_options": {"x": float("nan")}}, "'x' = nan is no value of JSON"),
        ({"chat": False, "chat_options": {"x": 1}}, "chat = false uses none"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str, context: Context) -> None:
    """What cannot work is a usage error before anything is loaded."""
    with pytest.raises(ConfigurationError) as caught:
        build("x", context, prompt=PROMPT, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chat": True}, "has no chat template .*, and chat = true needs one"),
        ({"chat_options": {"x": 1}}, "has no chat template .*, and chat_options are for one"),
    ],
)
def test_a_missing_template_is_an_error(
    options: dict[str, Any], message: str, make: Callable[..., PromptedModel]
) -> None:
    """A checkpoint without a template cannot be asked by one."""
    with pytest.raises(ModelError, match=message):
        make("none", **options).predict(["x"])


@pytest.mark.parametrize(
    ("files", "template"),
    [
        ({}, None),
        ({"tokenizer_config.json": "{}"}, None),
        ({"tokenizer_config.json": '{"chat_template": "a"}'}, "a"),
        ({"tokenizer_config.json": '{"chat_template": ""}'}, None),
        (
            {
                "tokenizer_config.json": '{"chat_template": [{"name": "rag", "template": "r"}, '
                '{"name": "default", "template": "d"}]}'
            },
            "d",
        ),
        (
            {"tokenizer_config.json": '{"chat_template": [{"name": "rag", "template": "r"}, 1]}'},
            None,
        ),
        ({"tokenizer_config.json": '{"chat_template": "a"}', "chat_template.jinja": "b"}, "b"),
        ({"tokenizer_config.json": "damaged"}, None),
    ],
)
def test_a_template_is_found_without_its_tokenizer(
    files: dict[str, str], template: str | None, tmp_path: Path
) -> None:
    """In its own file, or in the tokenizer's settings, by name where there are several."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert stored_template(tmp_path) == template


def test_a_template_is_found_in_a_gguf_file(tmp_path: Path) -> None:
    """Behind settings of all types; damaged and other files have none."""
    from gguf import GGUFWriter

    path = tmp_path / "model.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_uint8("a.byte", 1)
    writer.add_float64("a.number", 1.5)
    writer.add_bool("a.flag", val=True)
    writer.add_array("a.numbers", [1, 2, 3])
    writer.add_token_list(["a", "tokenizer.chat_template", "\u00e9"])
    writer.add_string("tokenizer.chat_template.rag", "no")
    writer.add_chat_template("{{ caf\u00e9 }}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert stored_template(path) == "{{ caf\u00e9 }}"
    assert gguf_text(path, "general.architecture") == "llama"
    assert gguf_text(path, "a.flag") is None
    assert gguf_text(path, "nothing") is None
    whole = path.read_bytes()
    for damaged in (whole[:40], b"GGUF", b"", whole.replace(b"GGUF", b"GGML"),
                    b"GGUF\x01" + whole[5:]):  # fmt: skip
        path.write_bytes(damaged)
        assert gguf_text(path, "tokenizer.chat_template") is None


def test_messages_are_those_that_an_api_gets(
    make: Callable[..., PromptedModel], context: Context
) -> None:
    """One prompt makes one conversation, here and behind an API."""
    hosted = adapter("openai").build(
        "a-model", context, prompt=PROMPT, demonstrations=SHOWN, label_words=WORDS,
        base_url="http://127.0.0.1:1/v1",
    )  # fmt: skip
    model = make()
    for text in TEXTS:
        messages = model.prompt.messages(text)
        assert hosted.question(text).body["messages"] == messages
        assert messages == conversation("chatml", text, rules=True, shown=True)


def test_questions_with_reasons_are_messages(make: Callable[..., PromptedModel]) -> None:
    """A chain of thought is the assistant's message; a demonstration's answer ends it."""
    prompt = replace(
        make().prompt, chain_of_thought=True, demonstrations=(Example("1", "x", "positive"),)
    )
    roles = [(m["role"], m["content"]) for m in prompt.messages("y")]
    assert roles[1:] == [
        ("user", "Review: x\nSentiment:"),
        ("assistant", " The answer is good."),
        ("user", "Review: y\nSentiment:"),
    ]
