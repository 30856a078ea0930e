"""Language models for perturbations: masked ones for words, others for whole sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import regex

from pytest_ood.errors import ModelError
from pytest_ood.languages import ENGLISH
from pytest_ood.perturbations.resources import current

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ood.languages import Language

_BATCH = 32
_CONTEXT_TOKENS = 100
"""Tokens on each side of a mask that the model sees: its cost does not grow with the text."""

_SHORTEST = 2

GENERATING = "a model that generates text"


def weights_hash(source: str) -> str:
    """Return the SHA-256 of a checkpoint: a packaged asset, a local folder or file, or a hub id.

    Raises:
        ModelError: a hub id that cannot be reached.
        AssetError: a packaged model that cannot be fetched.
    """
    from pytest_ood.models._torch import checkpoint_hash, checkpoint_path

    return checkpoint_hash(checkpoint_path(source, _owner(source), current()))


def masked_candidates(
    source: str, sides: Sequence[tuple[str, str]], count: int, language: Language = ENGLISH
) -> list[list[tuple[str, float]]]:
    """Return the likeliest whole words between the two sides of each gap, with probabilities.

    Args:
        source: A masked language model.
        sides: The text before and after each gap.
        count: The number of words for each gap.
        language: The language of the text, in whose letters the words are.

    Raises:
        ModelError: the model cannot be found, or is no masked language model.
    """
    from pytest_ood.models._torch import length_sorted

    model = _masked(_folder(source), source, language)
    rows = [model.encode(before, after) for before, after in sides]
    candidates: list[list[tuple[str, float]]] = [[] for _ in rows]
    for indices in length_sorted([len(row) for row in rows], _BATCH):
        for index, words in zip(
            indices, model.fill([rows[i] for i in indices], count), strict=True
        ):
            candidates[index] = words
    return candidates


def rewritings(source: str, prefix: str, text: str, beams: int) -> tuple[str, ...]:
    """Return the outputs of a model for a text, the likeliest first, by beam search.

    Args:
        source: An encoder-decoder (translation, T5, BART), or a causal (instructed) model.
        prefix: A task's name, or an instruction, before the text.
        text: A sentence.
        beams: The number of beams, and the largest number of outputs.

    Raises:
        ModelError: the model cannot be found, or generates no text.
    """
    return _rewritings(_folder(source), source, prefix, text, beams)


def _owner(source: str) -> str:
    return f"perturbation with the model {source!r}"


@dataclass(frozen=True, kw_only=True)
class _Masked:
    """A masked language model and the whole words of its vocabulary."""

    tokenizer: Any = field(repr=False)
    model: Any = field(repr=False)
    words: dict[int, str] = field(repr=False)

    def encode(self, before: str, after: str) -> list[int]:
        """Return the tokens of a text with a mask between its two sides."""
        tokenizer = self.tokenizer
        left, right = (
            tokenizer(side, add_special_tokens=False)["input_ids"]
            # The mask brings its own space.
            for side in (before.rstrip(" "), after)
        )
        first = [tokenizer.cls_token_id] if tokenizer.cls_token_id is not None else []
        last = [tokenizer.sep_token_id] if tokenizer.sep_token_id is not None else []
        context = left[-_CONTEXT_TOKENS:], right[:_CONTEXT_TOKENS]
        return [*first, *context[0], tokenizer.mask_token_id, *context[1], *last]

    def fill(self, rows: Sequence[list[int]], count: int) -> list[list[tuple[str, float]]]:
        """Return the likeliest words for the mask that `encode` put into each row."""
        import torch

        width = max(map(len, rows))
        padding = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([row + [padding] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        allowed = torch.tensor(sorted(self.words))
        with torch.inference_mode():
            logits = self.model(input_ids=ids, attention_mask=mask).logits
        words = []
        for row, scores in zip(rows, logits, strict=True):
            # The text may have masks of its own, on either side; the inserted one is in the middle.
            masks = [n for n, token in enumerate(row) if token == self.tokenizer.mask_token_id]
            ranked = scores[masks[len(masks) // 2]][allowed].float().softmax(-1)
            top = ranked.topk(min(count, len(allowed)))
            words.append(
                [
                    # Rounded, so that the order in which a batch adds up decides nothing.
                    (self.words[int(allowed[index])], round(float(share), 4))
                    for share, index in zip(top.values, top.indices, strict=True)
                ]
            )
        return words


@cache
def _folder(source: str) -> Path:
    from pytest_ood.models._torch import checkpoint_path, unpacked

    path = checkpoint_path(source, _owner(source), current())
    return unpacked(path, _owner(source), current())


def _load(folder: Path, source: str, kind: str, description: str) -> tuple[Any, Any]:
    """Load tokenizer and model; errors quote the message of transformers."""
    from pytest_ood.models._torch import load_model, load_tokenizer

    owner = _owner(source)
    model = load_model(kind, folder, owner, description)
    return load_tokenizer(folder, owner), model.eval()


@cache
def _masked(folder: Path, source: str, language: Language) -> _Masked:
    tokenizer, model = _load(folder, source, "AutoModelForMaskedLM", "a masked language model")
    if tokenizer.mask_token_id is None:
        raise ModelError(f"{_owner(source)}: its tokenizer has no mask; name a masked model")
    words = {}
    letters = regex.compile(rf"(?:[{language.script.letter}]\p{{M}}*)+")

    def is_word(word: str) -> bool:
        """Return whether a word is in the letters of the language; English has plain ones."""
        if language.code == ENGLISH.code:
            return word.isascii() and word.isalpha()
        return letters.fullmatch(word) is not None

    marked = any(token.startswith(("\u0120", "\u2581")) for token in tokenizer.get_vocab())
    for token, index in tokenizer.get_vocab().items():
        # A whole word: with the mark of a space before it, or in WordPiece without "##".
        word = token[1:] if marked and token[0] in "\u0120\u2581" else "" if marked else token
        if language.code != ENGLISH.code and word:
            # Tokens of bytes are no text yet.
            word = tokenizer.convert_tokens_to_string([token]).strip()
        if len(word) >= _SHORTEST and is_word(word):
            words[index] = word
    if not words:
        raise ModelError(
            f"{_owner(source)}: its vocabulary holds no whole words of {language.name}"
        )
    return _Masked(tokenizer=tokenizer, model=model, words=words)


@cache
def _generating(folder: Path, source: str) -> tuple[Any, Any, bool]:
    from pytest_ood.models._torch import load_config

    config = load_config(folder, _owner(source), GENERATING)
    seq2seq = bool(getattr(config, "is_encoder_decoder", False))
    kind = "AutoModelForSeq2SeqLM" if seq2seq else "AutoModelForCausalLM"
    tokenizer, model = _load(folder, source, kind, GENERATING)
    return tokenizer, model, seq2seq


@lru_cache(maxsize=10_000)
def _rewritings(folder: Path, source: str, prefix: str, text: str, beams: int) -> tuple[str, ...]:
    # One sentence at a time, so that no output depends on padding or on other sentences; cached,
    # since every severity of a perturbation rewrites the same ones.
    import torch

    tokenizer, model, seq2seq = _generating(folder, source)
    prompt = f"{prefix}{text}"
    if not seq2seq:
        prompt = _conversation(tokenizer, prompt)
    batch = tokenizer(prompt, return_tensors="pt", truncation=True, max_length=_window(model))
    length = batch["input_ids"].shape[1]
    padding = tokenizer.pad_token_id
    with torch.inference_mode():
        outputs = model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            do_sample=False,
            num_beams=beams,
            num_return_sequences=beams,
            max_new_tokens=2 * len(tokenizer(text)["input_ids"]) + 10,
            pad_token_id=tokenizer.eos_token_id if padding is None else padding,
        )
    texts = [
        tokenizer.decode(row if seq2seq else row[length:], skip_special_tokens=True)
        for row in outputs
    ]
    lines = [" ".join(text.strip().partition("\n")[0].split()).strip('"') for text in texts]
    return tuple(dict.fromkeys(line for line in lines if line))


def _conversation(tokenizer: Any, prompt: str) -> str:
    """Return a prompt in the chat format of a model, or unchanged if it has none."""
    if getattr(tokenizer, "chat_template", None) is None:
        return f"{prompt}\n"
    shown: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
    )
    return shown


def _window(model: Any) -> int:
    return int(getattr(model.config, "max_position_embeddings", None) or 512)
