"""Adapters of PEFT: small changes of a base, merged with it into a checkpoint in the cache."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ModelError, require
from pytest_ood.models._torch import (
    ADAPTER,
    VOCABULARIES,
    checkpoint_folder,
    checkpoint_hash,
    json_settings,
    load_config,
    load_model,
    loading,
)
from pytest_ood.utils.files import file_name, filled_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_ood.models._torch import Surroundings

KIND = "an adapter of PEFT"
PREFIX = "base_model.model."
"""Begins the names of an adapter's weights."""

TASKS = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "CAUSAL_LM": "AutoModelForCausalLM",
}
"""The class of transformers for each `task_type` of an adapter."""

KEYS = {"SEQ_CLS": "finetuned", "QUESTION_ANS": "finetuned", "CAUSAL_LM": "prompted"}
"""The key of the configuration for each of them."""

HEAD = re.compile(r"(^|\.)(classifier|score|classification_head|logits_proj)(\.|$)")
"""Names of classification heads in the networks of transformers."""

NO_TOKENIZER_FILES = ("config.json", "generation_config.json", ADAPTER, "trainer_state.json")
TOKENIZER_SUFFIXES = (".json", ".txt", ".model", ".spm", ".jinja", ".tiktoken")
MAX_NAMED = 4
"""The most missing weights that a message names."""


def adapter_of(path: Path, owner: str, around: Surroundings, auto: str) -> PeftAdapter | None:
    """Return the adapter in a folder; None for a whole checkpoint.

    Args:
        path: The folder.
        owner: The start of error messages, such as "model 'a'".
        around: The folders to search for its base.
        auto: The class of transformers that the model is loaded by.
    """
    if not (path / ADAPTER).is_file():
        return None
    return PeftAdapter(path=path, owner=owner, around=around, auto=auto)


@dataclass(frozen=True, kw_only=True)
class PeftAdapter:
    """An adapter, its base, and the checkpoint that both make.

    Attributes:
        path: The folder that PEFT saved.
        owner: The start of error messages, such as "model 'a'".
        around: The folders to search for its base.
        auto: The class of transformers that the model is loaded by.
    """

    path: Path
    owner: str
    around: Surroundings = field(repr=False)
    auto: str

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The adapter's configuration.

        Raises:
            ModelError: it is damaged, or of a model of another kind.
        """
        settings = json_settings(self.path, ADAPTER)
        if not settings.get("peft_type"):
            raise ModelError(
                f"{self.owner}: {self.path / ADAPTER} names no `peft_type`: it is damaged, or was "
                "not written by PEFT"
            )
        task = settings.get("task_type")
        if task is not None and TASKS.get(task) != self.auto:
            key = KEYS.get(task)
            advice = f"write {key} = ..." if key else "call it in a function of yours: callable"
            raise ModelError(
                f"{self.owner}: {self.path} is {KIND} for the task {task}, and the model is loaded "
                f"as {self.auto.removeprefix('AutoModelFor')}; {advice}"
            )
        return settings

    @property
    def base_name(self) -> str:
        """The base as the adapter names it.

        Raises:
            ModelError: it names none.
        """
        name = self.settings.get("base_model_name_or_path")
        if not isinstance(name, str) or not name:
            raise ModelError(
                f"{self.owner}: {self.path / ADAPTER} names no base; write its hub id or folder "
                "there: base_model_name_or_path"
            )
        return name

    @cached_property
    def base(self) -> Path:
        """The folder of the base.

        Raises:
            ModelError: it is neither a folder nor reachable.
        """
        name = self.base_name
        beside = self.path / name
        if beside.is_dir():
            return beside
        try:
            return checkpoint_folder(
                name, self.owner, self.around, revision=self.settings.get("revision")
            )
        except ModelError as error:
            raise ModelError(
                f"{self.owner}: {self.path} is {KIND} for the base {name!r}, which is neither a "
                f"folder (under {self.around.root}, or beside the adapter) nor reachable on the "
                f"Hugging Face hub; correct base_model_name_or_path in its {ADAPTER}"
            ) from error

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the files of the adapter and of its base that decide answers."""
        parts = [checkpoint_hash(self.path), checkpoint_hash(self.base)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @cached_property
    def folder(self) -> Path:
        """The folder of the merged checkpoint; it may not exist yet."""
        kind = self.auto.removeprefix("AutoModelFor").lower()
        return self.around.cache / "models" / f"{file_name(self.path.name)}-{kind}-{self.hash[:12]}"

    @property
    def tokenizer_folder(self) -> Path:
        """The folder with the tokenizer: the adapter's own, or its base's."""
        own = (*VOCABULARIES, "tokenizer_config.json")
        return self.path if any((self.path / name).is_file() for name in own) else self.base

    def merged(self) -> Path:
        """Return the folder of the merged checkpoint, which is written if it does not exist.

        Raises:
            ModelError: base or adapter cannot be loaded, weights are missing, or this kind of
                adapter cannot be merged.
            MissingDependencyError: PEFT is not installed.
        """
        with filled_once(self.folder) as scratch:
            if scratch is not None:
                title = f"merging the adapter {self.path.name} for {self.owner}"
                with self.around.progress.track(title, 0, "weights"):
                    self._merge(scratch)
        return self.folder

    def _merge(self, folder: Path) -> None:
        """Write the merged checkpoint, in float32: sums in a smaller type would be rounded."""
        peft = require("peft", extra="peft", purpose=f"{self.owner}: the adapter {self.path}")
        torch = require("torch", extra="peft", purpose=self.owner)
        stored = self._weights()
        # PEFT makes new weights at random, before it reads the stored ones.
        with (
            loading(self.path, self.owner, KIND),
            torch.random.fork_rng(devices=[]),
            warnings.catch_warnings(action="ignore"),
        ):
            kind = self.settings["peft_type"]
            if peft.PeftConfig.from_pretrained(self.path).is_prompt_learning:
                raise ModelError(
                    f"{self.owner}: {self.path} is {KIND} of the type {kind}, which adds tokens "
                    "to each prompt and cannot be merged into its base; load it in a function of "
                    'yours: callable = "module:name"'
                )
            base = load_model(
                self.auto,
                self.base,
                self.owner,
                "the base of an adapter",
                supplied=frozenset(stored),
                dtype=torch.float32,
                config=self._config(stored),
            )
            model = peft.PeftModel.from_pretrained(base, self.path)
            expected = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
            missing = sorted({*expected} - {PREFIX + name for name in stored})
            if missing:
                more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
                raise ModelError(
                    f"{self.owner}: {self.path} has no weights for "
                    f"{', '.join(missing[:MAX_NAMED])}{more}, which would be random: it is damaged"
                )
            model.merge_and_unload(safe_merge=True).save_pretrained(folder)
        for path in self._tokenizer_files():
            shutil.copyfile(path, folder / path.name)

    def _weights(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the adapter's weights by its name in the network."""
        safetensors = require("safetensors", extra="peft", purpose=self.owner)
        path = self.path / "adapter_model.safetensors"
        if not path.is_file():
            raise ModelError(
                f"{self.owner}: {self.path} is {KIND} without {path.name}; save it with "
                "model.save_pretrained(FOLDER)"
            )
        with (
            loading(self.path, self.owner, KIND),
            safetensors.safe_open(path, framework="pt") as file,
        ):
            names = file.keys()
            return {
                name.removeprefix(PREFIX): tuple(file.get_slice(name).get_shape()) for name in names
            }

    def _config(self, stored: Mapping[str, tuple[int, ...]]) -> Any:
        """Return the configuration of the merged model: the base's, with the adapter's outputs."""
        config = load_config(self.base, self.owner, "the base of an adapter")
        if self.auto != TASKS["SEQ_CLS"]:
            return config
        # The base has the default head of two labels, whatever the adapter was trained for. Of the
        # matrices of a head the last one is the smallest.
        heads = (shape for name, shape in stored.items() if HEAD.search(name))
        matrices = [shape for shape in heads if len(shape) > 1]
        if matrices and min(matrices)[0] != config.num_labels:
            config.num_labels = min(matrices)[0]
        names = json_settings(self.path, "config.json").get("id2label")
        if isinstance(names, dict) and len(names) == config.num_labels:
            config.id2label = {int(index): name for index, name in names.items()}
            config.label2id = {name: index for index, name in config.id2label.items()}
        return config

    def _tokenizer_files(self) -> Iterator[Path]:
        """Yield the files of the tokenizer."""
        for path in sorted(self.tokenizer_folder.iterdir()):
            other = path.name in NO_TOKENIZER_FILES or path.name.endswith(".index.json")
            if path.is_file() and path.suffix in TOKENIZER_SUFFIXES and not other:
                yield path
