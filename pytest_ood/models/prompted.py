"""Prompted LLMs: any causal language model; its label words are scored, or its answers parsed.

This module builds prompts and interprets answers; `_decoding` runs the model on many prompts.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pytest_ood.data.parsing import split_thoughts
from pytest_ood.errors import (
    AssetError,
    ConfigurationError,
    DataError,
    ModelError,
    TooLongError,
    require,
    unknown_name,
)
from pytest_ood.loading.prompts import field_names, next_question
from pytest_ood.models._batching import CHUNK, check_vocabulary, in_order, in_parts
from pytest_ood.models._chat import (
    AUTO,
    RENDERING,
    ChatOptions,
    ChatRendering,
    kept_traits,
    note_markers,
    stored_template,
)
from pytest_ood.models._decoding import (
    MOST,
    MOST_GENERATING,
    MOST_OF_ACCELERATORS,
    Decoder,
    can_pack,
    can_reuse,
    is_causal,
)
from pytest_ood.models._label_scoring import (
    BRANCHES,
    LabelScorer,
    LabelScoring,
    check_label_tokens,
    next_tokens,
    tokenize_labels,
)
from pytest_ood.models._option_scoring import OptionScorer, answered_by_text
from pytest_ood.models._packing import Tokens, label_tries
from pytest_ood.models._peft import PeftAdapter, adapter_of
from pytest_ood.models._prompts import (
    READING,
    SOURCE,
    DemonstrationOptions,
    prompt_loader,
    prompt_parameters,
    read_answer,
    read_template,
)
from pytest_ood.models._rendering import PlainText, note_start
from pytest_ood.models._torch import (
    ADAPTER,
    WHERE,
    check_choices,
    checkpoint_hash,
    checkpoint_path,
    input_device,
    json_settings,
    load_config,
    load_model,
    load_tokenizer,
    loading,
    placed,
    placement,
    resolved_dtype,
    spread,
    tokens_to_fill,
    unpacked,
    unpacked_folder,
    weight_count,
)
from pytest_ood.models._voting import SampledAnswer, Sampling, elect
from pytest_ood.models.protocol import Facts, Usage
from pytest_ood.tasks import Prediction, decide
from pytest_ood.utils.objects import ReloadsAfterPickling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models._rendering import Rendering
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Task

EXAMPLE = """\
[tool.pytest_ood.models.assistant]
prompted = "asset:smollm2"
prompt = "Review: {text}\\nSentiment:"
shots = 4
demonstrations = "data/train.jsonl"
"""
"""An example of the configuration in pyproject.toml."""

SEED_OPTION, SEED_NEEDS = "demonstration_seed", "demonstrations"
"""The option that is raised by one for each of a model's `seeds`, and the option that it needs."""

T = TypeVar("T")

ANSWERS = ("scored", "options", "generated")
"""Whether label words are scored, or the options of multiple choice, or a label is parsed from a
generated text."""

ELSEWHERE = ("openai", "litellm")
"""Schemes of a source that other adapters handle."""

LENGTH, LENGTH_OF_A_CHAIN = 16, 256
"""Default `max_new_tokens`, and the default with a chain of thought or a structured answer."""

KIND = "a causal language model"

OTHER_HEADS = (
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
    "ForMaskedLM",
    "ForPreTraining",
)
"""Parts of architecture names: models with these heads were not trained to continue a text."""

PROMPTED_TAKES = (
    "a prompted model goes on with a text (...ForCausalLM); a classifier is `finetuned`, and any "
    "other model a function of yours: callable"
)

CONTENT_FREE = ("N/A", "", "[MASK]")
"""Inputs without content, for calibration (Zhao et al. 2021, section 4.2)."""

LEAST, LEAST_OF_LONG_LABELS = 1e-9, 1e-200
"""The smallest divisors of calibration, for labels of one token and of several."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint(ReloadsAfterPickling):
    """The weights behind a prompted model, loaded once for all prompts and models of a run.

    Attributes:
        source: Hub id, folder, GGUF file or asset.
        context: The adapter's context.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: The data type of the weights; "auto" for that which `precision` chooses.
        device_map: How accelerate spreads the model over several devices; None for one device.
    """

    source: str
    context: Context = field(repr=False)
    device: str
    dtype: str
    device_map: str | None = None

    @property
    def owner(self) -> str:
        """The start of error messages."""
        return f"model {self.context.name!r}"

    @cached_property
    def path(self) -> Path:
        """The GGUF file, or the folder of a checkpoint."""
        return checkpoint_path(self.source, self.owner, self.context)

    @cached_property
    def adapter(self) -> PeftAdapter | None:
        """The adapter of PEFT that the checkpoint is; None for a whole checkpoint."""
        return adapter_of(self.path, self.owner, self.context, "AutoModelForCausalLM")

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the files that decide answers."""
        return checkpoint_hash(self.path) if self.adapter is None else self.adapter.hash

    @cached_property
    def folder(self) -> Path:
        """The folder that weights are loaded from; of a packed file or an adapter a converted one.

        It may not exist yet.
        """
        if self.adapter is not None:
            return self.adapter.folder
        return unpacked_folder(self.path, self.context)

    @cached_property
    def precision(self) -> str:
        """The data type of the weights, chosen once: a cluster's nodes may have other devices."""

        def own() -> Path | None:
            """Return the folder of the weights; a packed file and an adapter become float32."""
            return self.path if self.adapter is None and self.path.is_dir() else None

        return resolved_dtype(self.dtype, self.device, own)

    @cached_property
    def chat_template(self) -> str | None:
        """The chat template; None if there is none. Loads no tokenizer, and unpacks no file."""
        return stored_template(self.path if self.adapter is None else self.adapter.tokenizer_folder)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer; loads no weights, but unpacks a GGUF file."""
        return self._shared("tokenizer", self._load_tokenizer)

    @cached_property
    def loaded(self) -> tuple[Any, Any, Any]:
        """Torch, the tokenizer and the model."""
        return self._shared("weights", self._load)

    @property
    def is_loaded(self) -> bool:
        """Whether the weights are in memory."""
        return "loaded" in vars(self)

    @cached_property
    def packs(self) -> bool:
        """Whether the model accepts several prompts in a row; tried once per run."""
        torch, _, model = self.loaded
        return self._shared("packs", lambda: can_pack(torch, model))

    @cached_property
    def reuses(self) -> bool:
        """Whether the model can go on from a copied beginning; tried once per run."""
        torch, _, model = self.loaded
        return self._shared("reuses", lambda: self.packs or can_reuse(torch, model))

    def key(self, part: str) -> tuple[str | None, ...]:
        """Return the key in `held` of an object that all models on these weights share."""
        return part, self.hash, self.device, self.device_map, self.precision

    def _shared(self, part: str, make: Callable[[], T]) -> T:
        """Return an object that all models on these weights share; the first one builds it."""
        key = self.key(part)
        if key not in self.context.held:
            self.context.held[key] = make()
        value: T = self.context.held[key]
        return value

    def _load_tokenizer(self) -> Any:
        return load_tokenizer(self._converted(), self.owner)

    def _converted(self) -> Path:
        """Return the folder that weights are loaded from, which is written if it does not exist."""
        if self.adapter is not None:
            return self.adapter.merged()
        with loading(self.path, self.owner, KIND):
            return unpacked(self.path, self.owner, self.context)

    def _load(self) -> tuple[Any, Any, Any]:
        purpose = f"the prompted {self.owner}"
        torch = require("torch", extra="transformers", purpose=purpose)
        require("transformers", extra="transformers", purpose=purpose)
        folder = self._converted()
        config = load_config(folder, self.owner, KIND)
        _check_kind(config, f"{self.owner}: {self.path}")
        tokenizer = self.tokenizer
        model = load_model(
            "AutoModelForCausalLM",
            folder,
            self.owner,
            KIND,
            dtype=getattr(torch, self.precision),
            **spread(self.device_map, self.owner),
        )
        check_vocabulary(tokenizer, model, f"{self.owner}: {self.path}")
        with loading(self.path, self.owner, KIND):
            model = placed(torch, model, self.device, self.device_map)
            causal = is_causal(torch, model)
        if not causal:
            raise ModelError(
                f"{self.owner}: {self.path} is {type(model).__name__}, in which a token sees those "
                f"behind it, as in a masked language model; {PROMPTED_TAKES}"
            )
        return torch, tokenizer, model


def _check_kind(config: Any, where: str) -> None:
    """Check that a checkpoint is a causal language model; others may load as one.

    Raises:
        ModelError: it is not; the message has the architecture.
    """
    kinds = getattr(config, "architectures", None) or ()
    other = [kind for kind in kinds if any(head in kind for head in OTHER_HEADS)]
    if other or getattr(config, "is_encoder_decoder", False):
        named = ", ".join(kinds) or config.model_type
        raise ModelError(f"{where} is {named}; {PROMPTED_TAKES}")


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The settings of generated answers.

    Attributes:
        max_new_tokens: The maximum number of tokens of an answer.
        stop: A string that ends an answer, besides the model's end token. White space ends it only
            after other characters.
        sampling: The temperature, the number of answers and the vote between them.
        reasons: Whether an answer may begin with reasoning between marks, which no stop ends.
    """

    max_new_tokens: int = LENGTH
    stop: str = "\n"
    sampling: Sampling = field(default_factory=Sampling)
    reasons: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings that decide answers."""
        parameters = {"max_new_tokens": self.max_new_tokens, "stop": self.stop}
        return {**parameters, **self.sampling.parameters}

    def read(self, text: str) -> str:
        """Return an answer up to its stop."""
        reasoning, said = self._started(text)
        if self.stop:
            said = said.partition(self.stop)[0].strip()
        return f"{reasoning}{said}".lstrip()

    def is_over(self, text: str) -> bool:
        """Return whether an answer contains its stop."""
        return bool(self.stop) and self.stop in self._started(text)[1]

    def _started(self, text: str) -> tuple[str, str]:
        """Return the reasoning of an answer, and the rest from where a stop counts.

        A stop of white space counts after other characters.
        """
        reasoning, said = split_thoughts(text) if self.reasons else ("", text)
        return reasoning, said if self.stop.strip() else said.lstrip()


@dataclass(frozen=True, kw_only=True)
class PromptedModel(ReloadsAfterPickling):
    """A causal LM that answers with the label word of the highest probability, or with a text.

    Attributes:
        name: The model's name in reports.
        checkpoint: The weights.
        load_prompt: Returns template, label words and demonstrations.
        task: Parses generated answers.
        calibrate: Whether scores are divided by those of content-free inputs (Zhao et al. 2021).
        batch_size: The maximum number of prompts per forward pass; None for that of the device.
        generation: The settings of generated answers; None if label words are scored. A text from
            which no answer can be parsed is an abstention.
        chat: Whether and how a chat template is used.
        scoring: How label words are scored.
    """

    LOADED: ClassVar = ("decoder", "rendering", "_scorer")

    name: str
    checkpoint: Checkpoint
    load_prompt: Callable[[], Prompt]
    task: Task
    calibrate: bool
    batch_size: int | None
    generation: Generation | None = None
    chat: ChatOptions = field(default_factory=ChatOptions)
    scoring: LabelScoring = field(default_factory=LabelScoring)
    paradigm: Paradigm = "prompted"

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the task, in order."""
        return self.task.labels

    @property
    def source(self) -> str:
        """The checkpoint: hub id, folder, GGUF file or asset; of an adapter also its base."""
        # Reading this must not download, so that only a folder on this machine is looked into.
        source, root = self.checkpoint.source, self.checkpoint.context.root
        base = json_settings(root / source, ADAPTER).get("base_model_name_or_path")
        return source if base is None else f"{source}, an adapter of {base}"

    @cached_property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        return self.load_prompt()

    def with_prompt(self, prompt: Prompt) -> PromptedModel:
        """Return the model under another prompt, on the same weights."""
        # A change of the prompt, such as an attack on it, does not decide about the template anew.
        chat = replace(self.chat, use=self.chats) if self.chat.use is None else self.chat
        return replace(self, load_prompt=lambda: prompt, chat=chat)

    @cached_property
    def chats(self) -> bool:
        """Whether prompts are rendered by the checkpoint's chat template.

        Raises:
            ModelError: they have to be, and there is none.
        """
        checkpoint = self.checkpoint
        if self.chat.use is False:
            return False
        where = f"{checkpoint.owner}: {checkpoint.path}"
        return self.chat.applies(self.prompt, checkpoint.chat_template, where)

    @cached_property
    def rendering(self) -> Rendering:
        """Turns prompts into tokens; loads the tokenizer.

        Raises:
            ModelError: label words cannot be scored behind the chat template.
        """
        tokenizer = self.checkpoint.tokenizer
        if not self.chats:
            return PlainText(prompt=self.prompt, tokenizer=tokenizer)
        rendering = self._chat_rendering
        if self.generation is None:
            rendering.check_scored()
        return rendering

    @property
    def _chat_rendering(self) -> ChatRendering:
        return ChatRendering(
            owner=self.checkpoint.owner,
            prompt=self.prompt,
            tokenizer=self.checkpoint.tokenizer,
            variables=self.chat.variables,
        )

    @property
    def _generating(self) -> Generation | None:
        """The settings of generated answers, which differ where a turn has an end of its own."""
        if self.generation is None or not self.chats:
            return self.generation
        return replace(self.generation, stop=self.chat.stop, reasons=True)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Prompt and decoding."""
        written: dict[str, Any] = {}
        generation = self._generating
        if generation is not None:
            written = {
                "answer": "generated",
                "reading": READING,
                **generation.parameters,
            }
        if self.chats:
            written["chat"] = True
            if self.chat.variables:
                written["chat_options"] = dict(self.chat.variables)
        return {
            **prompt_parameters(self.prompt, self.task),
            "calibrate": self.calibrate,
            **self.scoring.parameters,
            "dtype": self.checkpoint.precision,
            **placement(self.checkpoint.device, self.checkpoint.device_map),
            **written,
        }

    @cached_property
    def facts(self) -> Facts:
        """Checkpoint, weights and demonstrations."""
        folder = self.checkpoint.folder
        return Facts(
            base=self.source,
            size=weight_count(folder) or None,
            shots=len(self.prompt.demonstrations),
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the checkpoint's files, the prompt with its demonstrations, and the decoding."""
        decided = {k: v for k, v in self.parameters.items() if k not in (*WHERE, SOURCE)}
        rest: list[Any] = [self.checkpoint.hash, decided, self.prompt.shown]
        if self.chats:
            rest.append(RENDERING)
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on special tokens in the prompt, and on the chat template; loads no weights."""
        checkpoint, prompt = self.checkpoint, self.prompt
        if not checkpoint.folder.is_dir():
            return ()
        template = None if self.chat.use is False else checkpoint.chat_template
        marked: tuple[str, ...] = ()
        if template is not None:
            marked = note_markers(self.name, prompt, template, used=self.chats)
        if not self.chats:
            text = prompt.render(self.probe("a"))
            # Most prompts begin otherwise; for them no tokenizer is imported, which takes seconds.
            if not text.startswith(("<", "[")):
                return marked
            return (*marked, *note_start(self.name, text, checkpoint.tokenizer))
        instructed, shown = bool(prompt.instruction.strip()), bool(prompt.demonstrations)
        traits = kept_traits(
            checkpoint.context.cache / "models",
            [checkpoint.hash, dict(self.chat.variables), instructed, shown],
            lambda: self._chat_rendering.traits,
        )
        limit = None if self.generation is None else self.generation.max_new_tokens
        notes = traits.notes(self.name, instructed=instructed, max_new_tokens=limit)
        return (*marked, *notes)

    @property
    def at_hand(self) -> bool:
        """Whether weights and demonstrations are on this machine."""
        checkpoint = self.checkpoint
        try:
            return checkpoint.folder.is_dir() and bool(self.prompt)
        except (AssetError, DataError, ModelError):
            return False

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens of the prompts and answers for these inputs, and the operations.

        The tokens of label words that pass the model count behind every prompt, the common
        beginnings of labels once. Operations: two for each weight and token (Kaplan et al. 2020,
        section 2.1); the common beginning of all prompts counts once. Shared beginnings of some
        prompts are not subtracted, so that this is an upper bound.

        Raises:
            ModelError: label words that cannot be scored.
        """
        folder = self.checkpoint.folder
        rendering = self.rendering
        sizes = [len(row) for row in rendering.tokens([rendering.text(value) for value in inputs])]
        said, inner, times = 0, 0, 1
        if self.generation is not None:
            each = self.generation.max_new_tokens * self.generation.sampling.samples
            said = each * len(sizes)
        elif sizes:
            tries = label_tries(self.label_tokens, BRANCHES)
            times, inner = len(tries), sum(trie.inner for trie in tries) * len(sizes)
        start = len(self._shared_prefix())
        computed = times * sum(size - start for size in sizes) + inner + said
        return Usage(
            prompt_tokens=sum(sizes) + inner,
            completion_tokens=said,
            operations=2.0 * weight_count(folder) * computed,
        )

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input: by the scores of the label words, or by a generated text.

        Equal prompts are computed once, and prompts with a common beginning share its computation:
        more inputs per call take less time each.

        Raises:
            TooLongError: a prompt exceeds the model's window.
            ModelError: a prompt is empty.
        """
        return in_order(self.predict_batches(inputs))

    @property
    def pass_tokens(self) -> int:
        """The tokens that fill a forward pass, once the weights are loaded; 0 on a processor."""
        checkpoint = self.checkpoint
        return tokens_to_fill(checkpoint.loaded[2]) if checkpoint.is_loaded else 0

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield the indices of each batch with their predictions; it raises as `predict`."""
        if self.chats:
            # A template that cannot be used is reported before weights are loaded.
            _ = self.rendering
        # A checkpoint that is none is reported before its tokenizer is used for labels.
        _ = self.checkpoint.loaded
        generation = self._generating
        if generation is not None:
            yield from in_parts(lambda some: self._written(some, generation), inputs)
        elif self.task.labels_vary:
            yield from in_parts(OptionScorer(self).predict, inputs)
        elif self._next_tokens:
            chunks = (inputs[start : start + CHUNK] for start in range(0, len(inputs), CHUNK))
            encoded = map(self.encoded, chunks)
            for indices, rows in self.decoder.score_batches(encoded, self._next_tokens):
                yield indices, self._decided(rows)
        else:
            yield from in_parts(lambda some: self._decided(self._scores(some)), inputs)

    def _decided(self, rows: Sequence[list[float]]) -> list[Prediction]:
        """Return the predictions from the probabilities of the label words, one row per input."""
        if self.calibrate:
            # The probability of a label of many tokens may be smaller than any of a single token.
            least = LEAST if self._next_tokens else LEAST_OF_LONG_LABELS
            rows = [_calibrated(row, self._content_free, least) for row in rows]
        return [decide(dict(zip(self.labels, row, strict=True))) for row in rows]

    def _scores(self, inputs: Sequence[Inputs]) -> list[list[float]]:
        """Return the probabilities of the label words, normalised to 1, one row per input."""
        return self._scorer.probabilities(self.encoded(inputs, room=self._scorer.room))

    @cached_property
    def _next_tokens(self) -> list[int]:
        """The token of each label where the next token alone decides; else empty."""
        return next_tokens(self.label_tokens, self.scoring.normalize)

    def _written(self, inputs: Sequence[Inputs], generation: Generation) -> list[Prediction]:
        """Return the predictions from generated texts."""
        _, _, model = self.checkpoint.loaded
        if not self.checkpoint.reuses:
            raise ModelError(
                f"model {self.name!r}: {type(model).__name__} keeps a state that cannot be copied, "
                "which answers are generated from; score its label words (answer = "
                '"scored"), or serve the model and name the server: openai'
            )
        rendering = self.rendering
        ends = _ends(model) | rendering.ends

        def text_of(said: tuple[int, ...]) -> str:
            """Return the text of tokens."""
            return rendering.opening + rendering.decoded(said)

        def is_over(said: tuple[int, ...]) -> bool:
            """Return whether an answer is complete."""
            if said[-1] in ends:
                return True
            return bool(generation.stop) and generation.is_over(text_of(said))

        longest, sampling = generation.max_new_tokens, generation.sampling
        encoded = self.encoded(inputs, room=longest)
        if sampling.temperature:
            answers = self.decoder.samples(
                encoded,
                longest,
                is_over,
                count=sampling.samples,
                temperature=sampling.temperature,
                seed=sampling.seed,
            )
        else:
            answers = [[said] for said in self.decoder.continuations(encoded, longest, is_over)]

        def sample(value: Inputs, said: tuple[int, ...]) -> SampledAnswer:
            """Return a sampled answer to an input, parsed."""
            text = generation.read(text_of(said))
            finished = len(said) < longest or is_over(said)
            answer = read_answer(self.prompt, self.task, text, value, finished=finished)
            return SampledAnswer(text, answer)

        return [
            elect([sample(value, one) for one in said], sampling, self.task)
            for value, said in zip(inputs, answers, strict=True)
        ]

    def encoded(self, inputs: Sequence[Inputs], room: int = 0) -> list[tuple[int, ...]]:
        """Return the tokens of every prompt, and check that `room` more tokens fit the window."""
        _, _, model = self.checkpoint.loaded
        if not inputs:
            return []
        encoded = self.rendering.tokens([self.rendering.text(value) for value in inputs])
        _check_prompts(self.name, model, inputs, encoded, room)
        return encoded

    @cached_property
    def _content_free(self) -> list[float]:
        if field_names(self.prompt.template) != ["text"]:
            raise ConfigurationError(
                f"model {self.name!r}: calibrate = true works with single-text prompts"
            )
        rows = self._scores(list(CONTENT_FREE))
        return [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    @cached_property
    def decoder(self) -> Decoder:
        """The model, with the common beginning of all prompts."""
        torch, tokenizer, model = self.checkpoint.loaded
        padding = tokenizer.pad_token_id or tokenizer.eos_token_id or 0
        start = self._shared_prefix() if self.checkpoint.reuses else ()
        most = MOST_OF_ACCELERATORS if self.generation is None else MOST_GENERATING
        return Decoder(
            torch=torch,
            model=model,
            padding=padding,
            start=start,
            most=self.batch_size or (MOST if input_device(model).type == "cpu" else most),
            packs=self.checkpoint.packs,
            reuses=self.checkpoint.reuses,
        )

    @cached_property
    def label_tokens(self) -> list[Tokens]:
        """The tokens of each label as its word follows a prompt; loads the tokenizer.

        Raises:
            ModelError: scores could not distinguish all labels.
        """
        return self.label_tokens_of(self._words, self.probe("a"))

    @property
    def _words(self) -> tuple[str, ...]:
        """The label words, in the order of the labels."""
        return tuple(self.prompt.label_words[label] for label in self.labels)

    def label_tokens_of(self, words: Sequence[str], inputs: Inputs) -> list[Tokens]:
        """Return the tokens of label words as they follow the prompt of an input.

        Raises:
            ModelError: scores could not distinguish all words.
        """
        labels = self.tokens_of(words, inputs)
        check_label_tokens(
            self.checkpoint.tokenizer, labels, words, self.scoring, self.checkpoint.owner
        )
        return labels

    def tokens_of(self, words: Sequence[str], inputs: Inputs) -> list[Tokens]:
        """Return the tokens of words as they follow the prompt of an input."""
        return tokenize_labels(
            self.checkpoint.tokenizer,
            self.rendering,
            self.rendering.text(inputs),
            words,
            ended=self.scoring.score_end,
            owner=self.checkpoint.owner,
        )

    @cached_property
    def _scorer(self) -> LabelScorer:
        """Scores the label words."""
        return self.scorer_of(self._words, self.label_tokens)

    def scorer_of(self, words: Sequence[str], labels: Sequence[Tokens]) -> LabelScorer:
        """Return what scores words with these tokens behind prompts."""
        normalize = self.scoring.normalize
        return LabelScorer(
            decoder=self.decoder,
            labels=tuple(labels),
            words=tuple(words),
            normalize=normalize,
            empty=self.empty if normalize == "empty" else (),
        )

    @property
    def empty(self) -> Tokens:
        """The tokens of the prompt without an input."""
        return self.encoded([self.probe("")])[0]

    def probe(self, text: str) -> Inputs:
        """Return an input with this text in every field of the prompt."""
        names = field_names(self.prompt.template)
        return text if names == ["text"] else dict.fromkeys(names, text)

    def _shared_prefix(self) -> tuple[int, ...]:
        """Return the tokens that all prompts begin with, whatever the input."""
        # The prompt's tokens before the input are not these: the input's first characters may merge
        # with the prompt's last ones. The common beginning of very different inputs is safe.
        probes = ["a", "Z", "0", ".", "\u4e2d", " x", "\n"]
        rows = self.rendering.tokens([self.rendering.text(self.probe(probe)) for probe in probes])
        length = 0
        for column in zip(*rows, strict=False):
            if len(set(column)) > 1:
                break
            length += 1
        return tuple(rows[0][:length])


def _check_prompts(
    name: str,
    model: Any,
    inputs: Sequence[Inputs],
    encoded: Sequence[Tokens],
    room: int,
) -> None:
    """Check that no prompt is empty, and that each fits the window with `room` more tokens.

    Raises:
        ModelError: a prompt is empty.
        TooLongError: some do not fit.
    """
    if not all(encoded):
        raise ModelError(
            f"model {name!r}: an empty prompt has no next token; put some words of your "
            "own into the template"
        )
    window = getattr(model.config, "max_position_embeddings", None)
    long = [index for index, row in enumerate(encoded) if window and len(row) + room > window]
    if long:
        longest = max(len(encoded[index]) for index in long)
        answer = f" with an answer of {room}" if room else ""
        raise TooLongError(
            f"model {name!r}: a prompt of {longest} tokens{answer} does not fit its "
            f"window of {window}; use fewer demonstrations or shorter texts",
            [inputs[index] for index in long],
            f"the prompt{answer} does not fit the model's window of {window} tokens",
        )


def _ends(model: Any) -> frozenset[int]:
    """Return the end tokens of a model's configuration."""
    end_token = getattr(model.generation_config, "eos_token_id", None)
    return frozenset(end_token if isinstance(end_token, list) else [end_token]) - {None}


def _calibrated(row: list[float], content_free: list[float], least: float = LEAST) -> list[float]:
    """Return the scores divided by the content-free ones (Zhao et al. 2021, section 5).

    Args:
        row: The scores.
        content_free: The scores of content-free inputs.
        least: The smallest divisor.
    """
    ratios = [score / max(free, least) for score, free in zip(row, content_free, strict=True)]
    return [ratio / sum(ratios) for ratio in ratios]


def build(
    source: str,
    context: Context,
    *,
    prompt: str,
    shots: int | None = None,
    demonstrations: Any = None,
    demonstration_seed: int = 0,
    selection: str = "random",
    vary: str = "draw",
    chain_of_thought: bool = False,
    label_words: Mapping[str, str] | None = None,
    calibrate: bool = False,
    normalize: str = "sum",
    score_end: bool = False,
    chat: bool | str = AUTO,
    chat_options: Mapping[str, Any] | None = None,
    answer: str | None = None,
    max_new_tokens: int | None = None,
    stop: str | None = None,
    samples: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
    vote: str = "majority",
    vote_top: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    device_map: str | None = None,
    dtype: str = "auto",
) -> PromptedModel:
    """Describe a prompted LLM; nothing is loaded before the first query.

    Args:
        source: A hub id, `hf:ID`, a folder, a GGUF file, or `asset:smollm2`.
        context: The adapter's context.
        prompt: The template itself, or the path of a file with it (see `parse_template`).
        shots: The number of demonstrations to draw; by default all of an inline list, 4 of data.
        demonstrations: A list of tables with the prompt's fields, `label` and `rationale`, or data
            (a path or a table).
        demonstration_seed: Seed of the draw; for an inline list, of the order, where 0 keeps the
            order of the list.
        selection: Which examples of the data are drawn: "random", the labels taking turns; or
            "complexity", those with the most reasoning steps (Fu et al. 2022).
        vary: What the seed changes: "draw", which examples are drawn and their order; or "order",
            the order alone.
        chain_of_thought: Whether demonstrations show the reasoning before the answer (Wei et al.
            2022); without demonstrations a phrase asks for it (Kojima et al. 2022).
        label_words: The word for each label; by default the label itself.
        calibrate: Whether scores are calibrated by content-free inputs (Zhao et al. 2021).
        chat: Whether the prompt is written as messages, by the chat template of the checkpoint:
            "auto", if it has one, and the prompt has no marks of turns itself; true; or false.
        chat_options: Variables for the chat template, such as `enable_thinking`.
        normalize: The score of a label word: "sum", the log-probability of its tokens; "tokens" or
            "characters", the same per token or character; or "empty", the same minus the
            log-probability behind the prompt without an input (Brown et al. 2020, section 2.4).
        score_end: Whether what ends an answer, a line break or the end of the turn, is scored as
            the last token of each label word.
        answer: "scored": the label whose word is the likeliest continuation; "options": the option
            of a multiple-choice question whose text is; "generated": the label is parsed from a
            generated text. By default "scored", and "generated" for a task without
            labels, with a chain of thought, or with a temperature.
        max_new_tokens: The maximum number of tokens of a generated answer; by default 16, and 256
            with a chain of thought or for a task whose answers are structured.
        stop: A string that ends a generated answer; by default a line break, the next question with
            a chain of thought, and none with a chat template; "" for none.
        samples: The number of answers per input; the most frequent one counts (Wang et al. 2022).
        temperature: The sampling temperature; 0 always takes the likeliest token.
        seed: Seed of the sampling.
        vote: Which samples vote: "majority", all of them; or "complexity", the `vote_top` with the
            most reasoning steps (Fu et al. 2022).
        vote_top: The number of samples that vote under "complexity".
        batch_size: The maximum number of prompts per forward pass, by default 64 on a processor
            and 4,096 on an accelerator (256 if answers are generated); long prompts are fewer.
        device: "auto", "cpu", "cuda" or "mps".
        device_map: How accelerate spreads a model that no single device has room for: "auto",
            "balanced", "balanced_low_0" or "sequential"; by default it is on one device.
        dtype: "float32", "bfloat16", "float16", or "auto": the checkpoint's own on an accelerator,
            float32 on a processor.

    Raises:
        ConfigurationError: values that do not go together.
        DataError: demonstrations that cannot be read.
    """
    check_choices(context, source, device=device, dtype=dtype, device_map=device_map)
    owner = f"model {context.name!r}"
    if batch_size is not None and batch_size < 1:
        raise ConfigurationError(f"{owner}: batch_size = {batch_size} has to be 1 or more")
    if not 0.0 <= temperature < math.inf:
        raise ConfigurationError(f"{owner}: temperature = {temperature} has to be 0 or more")
    if seed and not temperature:
        raise ConfigurationError(
            f"{owner}: seed = {seed} at temperature = 0 seeds nothing: no token is drawn; give a "
            "temperature above 0, or leave it out"
        )
    sampling = Sampling(
        samples=samples, temperature=temperature, seed=seed, vote=vote, vote_top=vote_top
    )
    sampling.check(owner, chain_of_thought=chain_of_thought, drawn=temperature > 0)
    chatting = ChatOptions.of(owner, chat=chat, variables=chat_options, stop=stop)
    reasons = {
        f"the task {context.task.name} has no labels": not context.labels,
        "a chain of thought": chain_of_thought,
        "a temperature": temperature > 0,
    }
    generation = _generation(
        owner,
        answer,
        next((reason for reason, holds in reasons.items() if holds), ""),
        {"max_new_tokens": max_new_tokens, "stop": stop},
        Generation(
            max_new_tokens=LENGTH_OF_A_CHAIN if context.task.structured else LENGTH,
            sampling=sampling,
        )
        if not chain_of_thought
        else Generation(
            max_new_tokens=LENGTH_OF_A_CHAIN,
            stop=next_question(read_template(context, prompt)[1]),
            sampling=sampling,
        ),
        calibrate=calibrate,
    )
    scoring = LabelScoring(normalize=normalize, score_end=score_end, by_options=answer == "options")
    scoring.check(owner, generated=generation is not None, calibrate=calibrate)
    _check_options(context, scoring, label_words, calibrate=calibrate)
    load_prompt = prompt_loader(
        context,
        prompt,
        DemonstrationOptions(
            declared=demonstrations,
            shots=shots,
            seed=demonstration_seed,
            selection=selection,
            vary=vary,
        ),
        label_words=label_words,
        chain_of_thought=chain_of_thought,
        written=generation is not None,
    )
    checkpoint = Checkpoint(
        source=source, context=context, device=device, dtype=dtype, device_map=device_map
    )
    return PromptedModel(
        name=context.name,
        checkpoint=checkpoint,
        load_prompt=(lambda: answered_by_text(load_prompt()))
        if scoring.by_options
        else load_prompt,
        task=context.task,
        calibrate=calibrate,
        batch_size=batch_size,
        generation=generation,
        scoring=scoring,
        chat=chatting,
    )


def _check_options(
    context: Context,
    scoring: LabelScoring,
    label_words: Mapping[str, str] | None,
    *,
    calibrate: bool,
) -> None:
    """Check that options that go with multiple choice alone, or not with it, are not set.

    Raises:
        ConfigurationError: one is.
    """
    owner, task = f"model {context.name!r}", context.task
    if scoring.by_options and not task.labels_vary:
        raise ConfigurationError(
            f'{owner}: answer = "options" scores the options of multiple choice, and the task '
            f"{task.name} has none; leave it out"
        )
    if scoring.by_options and label_words:
        raise ConfigurationError(
            f'{owner}: label_words: answer = "options" scores the options of each input, and no '
            "words of labels; leave them out"
        )
    if task.labels_vary and calibrate:
        raise ConfigurationError(
            f"{owner}: calibrate = true divides the scores of labels that all inputs share, and "
            f'each input of the task {task.name} has its own options; normalize = "empty" relates '
            "them to their probabilities without an input"
        )


def _generation(
    owner: str,
    answer: str | None,
    needed: str,
    options: Mapping[str, Any],
    usual: Generation,
    *,
    calibrate: bool,
) -> Generation | None:
    """Return the settings of generated answers; None if label words are scored.

    Args:
        owner: The start of error messages.
        answer: The option `answer`.
        needed: Why answers have to be generated; "" if they need not be.
        options: The options of generated answers; None for those left out.
        usual: The defaults of the options.
        calibrate: Whether scores are calibrated.
    """
    chosen = answer or ("generated" if needed else "scored")
    if chosen not in ANSWERS:
        raise ConfigurationError(f"{owner}: " + unknown_name("answer", chosen, ANSWERS))
    chosen_options = {key: value for key, value in options.items() if value is not None}
    if chosen != "generated":
        if needed:
            raise ConfigurationError(
                f'{owner}: answer = "{chosen}" scores words; {needed} needs answer = "generated"'
            )
        for key in chosen_options:
            raise ConfigurationError(f'{owner}: {key} needs answer = "generated"')
        return None
    if calibrate:
        raise ConfigurationError(
            f'{owner}: calibrate = true divides scores, which answer = "generated" has not'
        )
    longest = chosen_options.get("max_new_tokens", 1)
    if longest < 1:
        raise ConfigurationError(f"{owner}: max_new_tokens = {longest} has to be 1 or more")
    return replace(usual, **chosen_options)
