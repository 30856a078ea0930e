"""Sentence embeddings by the packaged all-MiniLM-L6-v2."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.errors import require
from pytest_ood.models._torch import length_sorted, quiet_transformers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ASSET = "minilm"
"""The packaged model."""

MAX_TOKENS = 256
"""The rest of a longer text does not count, as in the model's own configuration."""

DIMENSIONS = 384

_BATCH = 64


def embeddings(texts: Sequence[str], folder: Path, purpose: str) -> NDArray[np.float32]:
    """Return a vector of length 1 for each text: the mean over its last hidden states.

    Reimers and Gurevych 2019 (Sentence-BERT, section 3).

    Args:
        texts: The texts, n of them.
        folder: The folder of the packaged model.
        purpose: What they are for, in the message of an error.

    Returns:
        The vectors, shape (n, 384).

    Raises:
        MissingDependencyError: torch or transformers is not installed.
    """
    torch = require("torch", extra="transformers", purpose=purpose)
    tokenizer, model = minilm(folder, purpose)
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for indices in length_sorted([len(text) for text in texts], _BATCH):
        batch = tokenizer(
            [texts[index] for index in indices],
            padding=True,
            truncation=True,
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        with torch.inference_mode():
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
            vectors[indices] = torch.nn.functional.normalize(mean, dim=1).numpy()
    return vectors


def minilm(folder: Path, purpose: str) -> tuple[Any, Any]:
    """Return the tokenizer and the encoder of the packaged model, loaded once.

    Args:
        folder: The folder of the packaged model.
        purpose: What they are for, in the message of an error.

    Raises:
        MissingDependencyError: transformers is not installed.
    """
    require("transformers", extra="transformers", purpose=purpose)
    return _encoder(folder)


@cache
def _encoder(folder: Path) -> tuple[Any, Any]:
    import transformers

    with quiet_transformers():
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        # The mean over the states does without the checkpoint's pooler.
        model = transformers.AutoModel.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, add_pooling_layer=False
        )
    return tokenizer, model.eval()
