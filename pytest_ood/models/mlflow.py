"""Models of MLflow: of its registry, of a run, or in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import (
    ConfigurationError,
    ModelError,
    OodError,
    require,
    unknown_name,
    words_of,
)
from pytest_ood.models._pyfunc import native_model, pyfunc_answers
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.protocol import Facts, facts_of, paradigm_of
from pytest_ood.models.sklearn import SklearnModel
from pytest_ood.trackers.mlflow import patience
from pytest_ood.utils.objects import ReloadsAfterPickling
from pytest_ood.utils.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Prediction

EXAMPLE = """\
[tool.pytest_ood.models.released]
mlflow = "models:/sentiment@champion"
"""
"""An example of the configuration in pyproject.toml."""

REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/]+)|/(?P<version>\d+))")
URI = re.compile(r"\A[A-Za-z][\w+.-]*:/")
FORMS = "models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/NAME, or a folder"

READING = 1
"""Raised when answers are read in another way; part of fingerprints."""


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """The model that a URI means now.

    Attributes:
        uri: The URI of this very version: an alias may be moved while a run goes on.
        number: The registered version; None for a model that is not registered.
        identity: A string that another model does not have.
    """

    uri: str
    number: str | None
    identity: str


@dataclass(frozen=True, kw_only=True)
class MlflowModel(ReloadsAfterPickling):
    """A model that MLflow stores.

    Attributes:
        name: The model's name in reports.
        uri: A URI of MLflow's, or a folder.
        context: The adapter's context.
        label_names: The task's label for each of the model's own, where they differ.
        paradigm: The paradigm that the user declares.
    """

    LOADED: ClassVar = ("_loaded",)

    name: str
    uri: str
    context: Context = field(repr=False)
    label_names: Mapping[str, str]
    paradigm: Paradigm

    @property
    def source(self) -> str:
        """The URI, or the folder."""
        return f"MLflow {self.uri}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The registered version, if it has one; asks the registry."""
        number = self.version.number
        return {} if number is None else {"version": number}

    @property
    def facts(self) -> Facts:
        """The size of an estimator; loads the model."""
        return Facts(base=self.source, size=facts_of(self._loaded).size)

    @property
    def at_hand(self) -> bool:
        """Whether nothing has to be fetched: a folder, or a store on this machine."""
        if self._folder is not None:
            return True
        uris = [os.environ.get(name, "") for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")]
        return not any(uri.startswith(("http", "databricks")) for uri in (*uris, self.uri))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the model's version, and of the names of its labels; loads no weights."""
        rest = [READING, self.version.identity, sorted(self.label_names.items())]
        return hashlib.sha256(json.dumps(rest).encode()).hexdigest()

    @property
    def _folder(self) -> Path | None:
        """The folder of the model; None for a URI."""
        folder = self.context.root / self.uri
        return folder if folder.is_dir() else None

    @cached_property
    def version(self) -> ModelVersion:
        """The version that the URI means when this is first read.

        Raises:
            ModelError: the registry has no such model, or cannot be reached.
        """
        if self._folder is not None:
            content = _hash_of(self._folder)
            return ModelVersion(uri=str(self._folder), number=None, identity=content)
        mlflow = _library(self.name)
        uri, number = self.uri, None
        registered = REGISTERED.fullmatch(uri)
        with _asking(f"model {self.name!r}: {uri}"):
            if registered is not None:
                number = registered["version"]
                if number is None:
                    client = mlflow.MlflowClient()
                    found = client.get_model_version_by_alias(
                        registered["name"], registered["alias"]
                    )
                    number = str(found.version)
                uri = f"models:/{registered['name']}/{number}"
            info = mlflow.models.get_model_info(uri)
        identity = info.model_uuid or f"{mlflow.get_registry_uri()} {uri}"
        return ModelVersion(uri=uri, number=number, identity=str(identity))

    @cached_property
    def _loaded(self) -> SklearnModel | CallableModel:
        """The model, loaded.

        Raises:
            ModelError: it cannot be loaded, or has no signature of texts.
        """
        mlflow, owner, labels = _library(self.name), f"model {self.name!r}", self.context.labels
        with _asking(f"{owner}: {self.uri}"), contained(owner):
            loaded = mlflow.pyfunc.load_model(self.version.uri)
        native = native_model(loaded, owner, labels)
        if native is not None and hasattr(native, "fit"):
            return SklearnModel(
                self.name, lambda: native, labels, self.source, label_names=self.label_names
            )
        return CallableModel(
            self.name,
            pyfunc_answers(loaded, owner) if native is None else native,
            self.paradigm,
            self.source,
            labels=labels,
            label_names=self.label_names,
        )

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input.

        Raises:
            ModelError: the model's signature has other columns than the inputs have fields, or it
                answers with something else than labels or probabilities.
        """
        return self._loaded.predict(inputs)


@contextmanager
def _asking(start: str) -> Iterator[None]:
    """Turn exceptions of MLflow's client into errors with the model and the store."""
    try:
        with patience():
            yield
    except OodError:
        raise
    except Exception as error:
        store = os.environ.get("MLFLOW_TRACKING_URI", "MLflow's default")
        raise ModelError(
            f"{start}: MLflow cannot load it: {words_of(error)} (the store is {store}; "
            "MLFLOW_TRACKING_URI names another, such as http://HOST:5000 or sqlite:///mlflow.db)"
        ) from error


def _hash_of(folder: Path) -> str:
    """Return the SHA-256 over the paths and contents of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _library(name: str) -> Any:
    """Return the library."""
    purpose = f"the model {name!r} of MLflow"
    require("pandas", extra="mlflow", purpose=purpose)
    mlflow = require("mlflow", extra="mlflow", purpose=purpose)
    require("mlflow.pyfunc", extra="mlflow", purpose=purpose)
    require("mlflow.models", extra="mlflow", purpose=purpose)
    return mlflow


def build(
    source: str,
    context: Context,
    *,
    labels: Mapping[str, str] | None = None,
    paradigm: str = "fine-tuned",
) -> MlflowModel:
    """Describe a model of MLflow; nothing is asked of its store before the first query.

    Args:
        source: models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/NAME, or a folder. The store
            is that of the environment variable MLFLOW_TRACKING_URI.
        context: The adapter's context.
        labels: The task's label for each of the model's own, where the names differ.
        paradigm: "prompted", "fine-tuned" or "other".

    Raises:
        ConfigurationError: it is neither a URI nor a folder, or there is no such label or paradigm.
    """
    owner = f"model {context.name!r}"
    for name, label in (labels or {}).items():
        if label not in context.labels:
            message = unknown_name("label", str(label), context.labels)
            raise ConfigurationError(f"{owner}: labels.{name}: {message}")
    folder = context.root / source
    if not URI.match(source) and not folder.is_dir():
        raise ConfigurationError(
            f"{owner}: mlflow = {source!r}: there is no folder {folder}; {FORMS}"
        )
    if source.startswith("models:/") and not source.removeprefix("models:/").strip("/"):
        raise ConfigurationError(f"{owner}: mlflow = {source!r} names no model: {FORMS}")
    return MlflowModel(
        name=context.name,
        uri=source,
        context=context,
        label_names=labels or {},
        paradigm=paradigm_of(context.name, paradigm),
    )
