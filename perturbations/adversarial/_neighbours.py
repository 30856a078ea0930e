"""Words with near embeddings: of the packaged MiniLM, or of a file of word vectors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import DataError
from pytest_ood.perturbations.resources import asset, current

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SHORTEST = 2


def neighbours(
    words: Sequence[str], count: int, least: float, vectors: str = ""
) -> dict[str, list[str]]:
    """Return the nearest words of each, the nearest first.

    Args:
        words: In small letters; one without a vector has no neighbours.
        count: The largest number of neighbours.
        least: The least cosine, in [-1, 1].
        vectors: A file of word vectors in text form, or "" for MiniLM's input embeddings.

    Raises:
        AssetError: the packaged model cannot be fetched.
        DataError: the file cannot be read.
    """
    path = asset("minilm") if not vectors else current().root / vectors
    rows, table = _minilm(path) if not vectors else _file(path, _changed(path))
    names = list(rows)
    nearest_words: dict[str, list[str]] = {}
    for word in words:
        if word not in rows:
            nearest_words[word] = []
            continue
        cosines = table @ table[rows[word]]
        nearest = (-cosines).argsort(kind="stable")[: count + 1]
        near = [names[n] for n in nearest if cosines[n] >= least and names[n] != word]
        nearest_words[word] = near[:count]
    return nearest_words


@cache
def _minilm(folder: Path) -> tuple[Mapping[str, int], Any]:
    from pytest_ood.models._sentence_embeddings import minilm

    tokenizer, model = minilm(folder, "neighbours of words")
    weights = model.get_input_embeddings().weight.detach().numpy()
    vocabulary = tokenizer.get_vocab()
    words = sorted(
        word for word in vocabulary if len(word) >= _SHORTEST and word.isascii() and word.isalpha()
    )
    return _table(words, weights[[vocabulary[word] for word in words]])


def _changed(path: Path) -> int:
    """Return the time of a file's last change, so that a new version of it is read again."""
    return path.stat().st_mtime_ns if path.exists() else 0


@cache
def _file(path: Path, changed: int) -> tuple[Mapping[str, int], Any]:
    import numpy as np

    del changed
    words, rows = [], []
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                word, *values = line.rstrip().split(" ")
                if len(values) > 1:
                    words.append(word)
                    rows.append(np.array(values, dtype=np.float32))
        return _table(words, np.stack(rows))
    except (OSError, ValueError) as error:
        raise DataError(f"word vectors {path} cannot be read: {error}") from None


def _table(words: Sequence[str], vectors: Any) -> tuple[Mapping[str, int], Any]:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return {word: n for n, word in enumerate(words)}, vectors / np.maximum(lengths, 1e-9)
