"""Prompted LLMs: any causal language model, its label words scored or its answers read.

`_decoding` asks the model about many prompts at once; here is what they are and what answers mean.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import (
    AssetError,
    ConfigurationError,
    DataError,
    ModelError,
    TooLongError,
    require,
    unknown_name,
)
from pytest_ood.examples import canonical
from pytest_ood.models._decoding import Decoder, can_pack
from pytest_ood.models._prompts import prompt_loader
from pytest_ood.models._torch import (
    check_choices,
    checkpoint_hash,
    checkpoint_path,
    load_tokenizer,
    pick_device,
    quiet_transformers,
    unpacked,
    unpacked_place,
    weight_count,
)
from pytest_ood.models.protocol import Facts, Usage
from pytest_ood.objects import Portable
from pytest_ood.parsing import parse_answer
from pytest_ood.prompting import field_names
from pytest_ood.tasks import Prediction, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.prompting import Prompt

EXAMPLE = """\
[tool.pytest_ood.models.assistant]
prompted = "asset:smollm2"
prompt = "Review: {text}\\nSentiment:"
shots = 4
demonstrations = "data/train.jsonl"
"""
"""How it stands in pyproject.toml."""

SEED_OPTION, SEED_NEEDS = "demonstration_seed", "demonstrations"
"""What is raised by one for each of a model's `seeds`, and what it has no meaning without."""

ANSWERS = ("scored", "generated")
"""Whether the label words are scored, or the model writes and the label is read out of it."""

ELSEWHERE = ("openai",)
"""Schemes of a source that other adapters of this name take."""

CONTENT_FREE = ("N/A", "", "[MASK]")
"""Inputs without content, for calibration (Zhao et al. 2021, section 4.2)."""


@dataclass(frozen=True)
class Checkpoint(Portable):
    """The weights behind a prompted model, loaded once for all its prompts.

    Attributes:
        source: Hub id, folder, GGUF file or asset.
        context: What the adapter was given.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: Of the weights.
    """

    source: str
    context: Context = field(repr=False)
    device: str
    dtype: str

    @property
    def who(self) -> str:
        """Whom messages name first."""
        return f"model {self.context.name!r}"

    @cached_property
    def path(self) -> Path:
        """The GGUF file, or the folder of a checkpoint."""
        return checkpoint_path(self.source, self.who, self.context)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the files that decide answers."""
        return checkpoint_hash(self.path)

    @cached_property
    def loaded(self) -> tuple[Any, Any, Any]:
        """Torch, the tokenizer and the model."""
        purpose = f"the prompted {self.who}"
        torch = require("torch", extra="transformers", purpose=purpose)
        transformers = require("transformers", extra="transformers", purpose=purpose)
        with quiet_transformers():
            try:
                folder = unpacked(self.path, self.who, self.context)
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
                model = transformers.AutoModelForCausalLM.from_pretrained(
                    folder, dtype=getattr(torch, self.dtype)
                )
            except (OSError, ValueError) as error:
                raise ModelError(
                    f"{self.who}: {self.path} cannot be loaded as a causal language model: {error}"
                ) from error
        return torch, tokenizer, model.to(pick_device(torch, self.device)).eval()

    @cached_property
    def packs(self) -> bool:
        """Whether the model takes several prompts in a row; tried once."""
        torch, _, model = self.loaded
        return can_pack(torch, model)


@dataclass(frozen=True)
class Generation:
    """How an answer is written: always the likeliest token.

    Attributes:
        max_new_tokens: Of an answer.
        stop: What ends an answer once it says something; it ends at the model's own end as well.
    """

    max_new_tokens: int = 16
    stop: str = "\n"

    def read(self, text: str) -> str:
        """Return what an answer says, up to where it stops."""
        said = text.lstrip()
        return said.partition(self.stop)[0].rstrip() if self.stop else said

    def is_over(self, text: str) -> bool:
        """Tell whether an answer has come to its stop."""
        return bool(self.stop) and self.stop in text.lstrip()


@dataclass(frozen=True)
class PromptedModel(Portable):
    """A causal LM that answers with the label whose word is the likeliest next token.

    Attributes:
        name: In reports.
        checkpoint: The weights.
        load_prompt: Returns template, label words and demonstrations.
        labels: The task's, in order.
        calibrate: Divide by the scores of content-free inputs (Zhao et al. 2021).
        batch_size: Prompts a forward pass, at most.
        generation: How answers are written, where they are not scored; the label is read out of
            them, and an answer that names none is an abstention.
    """

    LOADED: ClassVar = ("decoder",)

    name: str
    checkpoint: Checkpoint
    load_prompt: Callable[[], Prompt]
    labels: tuple[str, ...]
    calibrate: bool
    batch_size: int
    generation: Generation | None = None
    paradigm: Paradigm = "prompted"

    @property
    def source(self) -> str:
        """The checkpoint: hub id, folder, GGUF file or asset."""
        return self.checkpoint.source

    @cached_property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        return self.load_prompt()

    def with_prompt(self, prompt: Prompt) -> PromptedModel:
        """Return the model under another prompt, on the same weights."""
        return replace(self, load_prompt=lambda: prompt)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Prompt and decoding."""
        written: dict[str, Any] = {}
        if self.generation is not None:
            written = {"answer": "generated", **asdict(self.generation)}
        return {
            "instruction": self.prompt.instruction,
            "template": self.prompt.template,
            "label_words": dict(self.prompt.label_words),
            "shots": len(self.prompt.demonstrations),
            "calibrate": self.calibrate,
            "dtype": self.checkpoint.dtype,
            "device": self.checkpoint.device,
            **written,
        }

    @cached_property
    def facts(self) -> Facts:
        """Checkpoint, weights and demonstrations."""
        folder = unpacked_place(self.checkpoint.path, self.checkpoint.context)
        return Facts(
            self.source, weight_count(folder) or None, shots=len(self.prompt.demonstrations)
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the checkpoint's files, the prompt with its demonstrations, and the decoding."""
        shown = [(canonical(e.inputs), e.label) for e in self.prompt.demonstrations]
        decided = {k: v for k, v in self.parameters.items() if k != "device"}
        rest = [self.checkpoint.hash, decided, shown]
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()

    @property
    def at_hand(self) -> bool:
        """Whether weights and demonstrations are there, so that nothing has to be fetched."""
        checkpoint = self.checkpoint
        try:
            place = unpacked_place(checkpoint.path, checkpoint.context)
            return place.is_dir() and bool(self.prompt)
        except (AssetError, DataError, ModelError):
            return False

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens of these inputs' prompts and answers, and the operations they take.

        Operations: two for each weight and token (Kaplan et al. 2020, section 2.1), of what all
        prompts start with once; prompts that begin alike take less.
        """
        folder = unpacked_place(self.checkpoint.path, self.checkpoint.context)
        tokenizer = load_tokenizer(folder, self.checkpoint.who)
        prompts = [self.prompt.render(value) for value in inputs]
        sizes = [len(row) for row in tokenizer(prompts)["input_ids"]] if prompts else []
        said = 0 if self.generation is None else self.generation.max_new_tokens * len(sizes)
        start = len(self._shared_prefix(tokenizer))
        computed = sum(size - start for size in sizes) + said
        return Usage(
            prompt_tokens=sum(sizes),
            completion_tokens=said,
            operations=2.0 * weight_count(folder) * computed,
        )

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input: score the label words after its prompt, or read what is written.

        The more inputs at once, the less is computed: prompts that are equal are asked once, and
        those that begin alike share what they have in common.

        Raises:
            TooLongError: a prompt that is longer than the model's window.
            ModelError: a prompt without a word of its own.
        """
        if self.generation is not None:
            return self._written(inputs, self.generation)
        scores = self._scores(inputs)
        if self.calibrate:
            scores = [_calibrated(row, self._content_free) for row in scores]
        return [decide(dict(zip(self.labels, row, strict=True))) for row in scores]

    def _scores(self, inputs: Sequence[Inputs]) -> list[list[float]]:
        """Return the label words' probabilities among themselves, one row an input."""
        return self.decoder.scores(self._encoded(inputs), self._words)

    def _written(self, inputs: Sequence[Inputs], generation: Generation) -> list[Prediction]:
        """Return what the model writes, and the label that it names."""
        _, tokenizer, model = self.checkpoint.loaded
        ends = _ends(tokenizer, model)

        def text_of(said: tuple[int, ...]) -> str:
            return str(tokenizer.decode(said, skip_special_tokens=True))

        def is_over(said: tuple[int, ...]) -> bool:
            return said[-1] in ends or generation.is_over(text_of(said))

        encoded = self._encoded(inputs, room=generation.max_new_tokens)
        said = self.decoder.continuations(encoded, generation.max_new_tokens, is_over)
        texts = [generation.read(text_of(answer)) for answer in said]
        words = self.prompt.label_words
        return [Prediction(parse_answer(text, words), text=text) for text in texts]

    def _encoded(self, inputs: Sequence[Inputs], room: int = 0) -> list[tuple[int, ...]]:
        """Return the tokens of every prompt, and see that so many more fit behind it."""
        _, tokenizer, model = self.checkpoint.loaded
        if not inputs:
            return []
        prompts = [self.prompt.render(value) for value in inputs]
        encoded = [tuple(row) for row in tokenizer(prompts)["input_ids"]]
        if not all(encoded):
            raise ModelError(
                f"model {self.name!r}: an empty prompt has no next token; put some words of your "
                "own into the template"
            )
        window = getattr(model.config, "max_position_embeddings", None)
        long = [place for place, row in enumerate(encoded) if window and len(row) + room > window]
        if long:
            longest = max(len(encoded[place]) for place in long)
            answer = f" with an answer of {room}" if room else ""
            raise TooLongError(
                f"model {self.name!r}: a prompt of {longest} tokens{answer} does not fit its "
                f"window of {window}; use fewer demonstrations or shorter texts",
                [inputs[place] for place in long],
            )
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
        """The model behind what all prompts start with."""
        torch, tokenizer, model = self.checkpoint.loaded
        padding = tokenizer.pad_token_id or tokenizer.eos_token_id or 0
        start = self._shared_prefix(tokenizer)
        return Decoder(torch, model, padding, start, self.batch_size, packs=self.checkpoint.packs)

    @cached_property
    def _words(self) -> list[int]:
        """The first token of each label word."""
        return self._word_tokens(self.checkpoint.loaded[1])

    def _word_tokens(self, tokenizer: Any) -> list[int]:
        """Return the first token of each label word as it follows the prompt; they have to differ.

        Tokenizers write a word's leading space in different ways, so it is looked up where it
        stands, after a prompt.
        """
        prompt = self.prompt.render(self._probe("a"))
        bare = tokenizer(prompt)["input_ids"]
        tokens = []
        for label in self.labels:
            word = self.prompt.label_words[label]
            full = tokenizer(f"{prompt} {word}")["input_ids"]
            if full[: len(bare)] != bare or len(full) == len(bare):
                # The end of the prompt merges with the word, or a closing token follows it.
                full = bare + tokenizer(f" {word}", add_special_tokens=False)["input_ids"]
            tokens.append(full[len(bare)])
        if len(set(tokens)) < len(tokens):
            raise ModelError(
                f"model {self.name!r}: the label words {list(self.prompt.label_words.values())} "
                "do not differ in their first token; give others with `label_words`"
            )
        return tokens

    def _probe(self, text: str) -> Inputs:
        """Return an input with this text in every field of the prompt."""
        names = field_names(self.prompt.template)
        return text if names == ["text"] else dict.fromkeys(names, text)

    def _shared_prefix(self, tokenizer: Any) -> tuple[int, ...]:
        """Return the tokens that prompts start with whatever the input is.

        Where a text begins, its first characters can merge with the prompt's last ones; so the
        common start of very different inputs is taken, not the prefix's own tokens.
        """
        probes = ["a", "Z", "0", ".", "\u4e2d", " x", "\n"]
        prompts = [self.prompt.render(self._probe(probe)) for probe in probes]
        rows = [tokenizer(prompt)["input_ids"] for prompt in prompts]
        length = 0
        for column in zip(*rows, strict=False):
            if len(set(column)) > 1:
                break
            length += 1
        return tuple(rows[0][:length])


def _ends(tokenizer: Any, model: Any) -> set[int]:
    """Return the tokens with which a model ends what it says."""
    given = getattr(model.generation_config, "eos_token_id", None)
    ends = given if isinstance(given, list) else [given]
    return {token for token in (*ends, tokenizer.eos_token_id) if token is not None}


def _calibrated(row: list[float], content_free: list[float]) -> list[float]:
    """Return the scores divided by the content-free ones (Zhao et al. 2021, section 5)."""
    ratios = [score / max(free, 1e-9) for score, free in zip(row, content_free, strict=True)]
    return [ratio / sum(ratios) for ratio in ratios]


def build(
    source: str,
    context: Context,
    *,
    prompt: str,
    shots: int | None = None,
    demonstrations: Any = None,
    demonstration_seed: int = 0,
    label_words: Mapping[str, str] | None = None,
    calibrate: bool = False,
    answer: str = "scored",
    max_new_tokens: int | None = None,
    stop: str | None = None,
    batch_size: int = 64,
    device: str = "auto",
    dtype: str = "float32",
) -> PromptedModel:
    """Describe a prompted LLM; nothing is loaded before it is asked.

    Args:
        source: A hub id, `hf:ID`, a folder, a GGUF file, or `asset:smollm2`.
        context: What the adapter is given.
        prompt: The template itself, or the path of a file with it (see `parse_template`).
        shots: How many demonstrations to draw; all of an inline list where it is left out.
        demonstrations: A list of tables of fields and `label`, or data (a path or a table).
        demonstration_seed: Of the draw; of an inline list it decides the order, 0 being the one
            given.
        label_words: The word for each label; the label itself where it is left out.
        calibrate: Contextual calibration (Zhao et al. 2021), of scores.
        answer: "scored": the label whose word is the likeliest next token; "generated": the label
            that the model's answer names (see `parse_answer`).
        max_new_tokens: Of a generated answer; 16 where it is left out.
        stop: What ends a generated answer; a line break where it is left out, "" for nothing.
        batch_size: Prompts a forward pass, at most; long ones are fewer.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        ConfigurationError: values that do not go together.
        DataError: demonstrations that cannot be read.
    """
    check_choices(context, source, device=device, dtype=dtype)
    if batch_size < 1:
        raise ConfigurationError(f"model {context.name!r}: batch_size = {batch_size} is 1 or more")
    generation = _generation(context.name, answer, max_new_tokens, stop, calibrate=calibrate)
    load_prompt = prompt_loader(
        context,
        prompt,
        shots=shots,
        demonstrations=demonstrations,
        demonstration_seed=demonstration_seed,
        label_words=label_words,
    )
    checkpoint = Checkpoint(source, context, device, dtype)
    return PromptedModel(
        context.name, checkpoint, load_prompt, context.labels, calibrate, batch_size, generation
    )


def _generation(
    name: str, answer: str, max_new_tokens: int | None, stop: str | None, *, calibrate: bool
) -> Generation | None:
    """Check how answers come about; None where they are scored."""
    if answer not in ANSWERS:
        raise ConfigurationError(f"model {name!r}: " + unknown_name("answer", answer, ANSWERS))
    given: dict[str, Any] = {"max_new_tokens": max_new_tokens, "stop": stop}
    given = {key: value for key, value in given.items() if value is not None}
    if answer == "scored":
        for key in given:
            raise ConfigurationError(f'model {name!r}: {key} needs answer = "generated"')
        return None
    if calibrate:
        raise ConfigurationError(
            f'model {name!r}: calibrate = true divides scores, which answer = "generated" has not'
        )
    if max_new_tokens is not None and max_new_tokens < 1:
        raise ConfigurationError(f"model {name!r}: max_new_tokens = {max_new_tokens} is 1 or more")
    return replace(Generation(), **given)
