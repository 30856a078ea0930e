"""The catalogue: every perturbation is a public `@perturbation` in a module of this folder.

Adding a file adds its perturbations; there is no list to keep.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ood import languages
from pytest_ood.data.edits import edits_between
from pytest_ood.errors import ConfigurationError, shown, unknown_name
from pytest_ood.languages import find_language
from pytest_ood.perturbations.composite import Composite, composed
from pytest_ood.perturbations.protocol import (
    Generator,
    GuardedPerturbation,
    Perturbation,
    batch_perturbation,
    perturbation,
    site_perturbation,
)
from pytest_ood.perturbations.resources import current
from pytest_ood.perturbations.wrapping import from_function, from_nlpaug
from pytest_ood.utils.objects import import_object, modules_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from pytest_ood.data.edits import Edit
    from pytest_ood.languages import Language

__all__ = [
    "Composite",
    "Generator",
    "Perturbation",
    "as_perturbation",
    "batch_perturbation",
    "catalogue",
    "code_version",
    "composed",
    "edits_of",
    "find",
    "fitting",
    "from_function",
    "from_nlpaug",
    "in_language",
    "is_shipped",
    "perturbation",
    "site_perturbation",
]


P = TypeVar("P", bound=Perturbation)


@cache
def catalogue() -> dict[str, Generator]:
    """Return every shipped perturbation by name, sorted."""
    by_name: dict[str, Generator] = {}
    for module in modules_of(__name__):
        for value in vars(module).values():
            if isinstance(value, Generator):
                by_name[value.name] = value
    return dict(sorted(by_name.items()))


@cache
def code_version() -> str:
    """Return the hash of what outputs depend on: this folder's code, languages, libraries."""
    digest = hashlib.sha256()
    for library in ("babel", "nlpaug", "num2words", "regex"):
        digest.update(metadata.version(library).encode())
    for folder in (Path(__file__).parent, Path(languages.__file__).parent):
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_shipped(candidate: Perturbation) -> bool:
    """Return whether a perturbation is of this catalogue, whatever its parameters."""
    shipped = catalogue().get(candidate.name)
    return (
        shipped is not None
        and isinstance(candidate, Generator)
        and candidate.function is shipped.function
    )


def find(name: str) -> Generator:
    """Return the shipped perturbation of this name, or the user's as `module:name`.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if ":" in name:
        own = import_object(name, "perturbation", current().root)
        if not isinstance(own, Generator):
            raise ConfigurationError(_no_perturbation(own, name))
        return own
    try:
        return catalogue()[name]
    except KeyError:
        raise ConfigurationError(unknown_name("perturbation", name, catalogue())) from None


def as_perturbation(value: Any, others: Iterable[str] = ()) -> Perturbation:
    """Return a perturbation from Python code: one by its name, or one itself.

    Args:
        value: The name or the perturbation.
        others: Names of attacks, if these are allowed as well.

    Raises:
        ConfigurationError: it is no perturbation; the message says how to convert it.
    """
    if isinstance(value, str):
        if ":" in value or value in catalogue():
            return find(value)
        others = tuple(others)
        kind = "perturbation or attack" if others else "perturbation"
        raise ConfigurationError(unknown_name(kind, value, [*catalogue(), *others]))
    # A class has the attributes of its instances, too.
    if isinstance(value, Perturbation) and not isinstance(value, type):
        is_ours = isinstance(value, Generator | Composite | GuardedPerturbation)
        return value if is_ours else GuardedPerturbation(value)
    raise ConfigurationError(_no_perturbation(value, shown(value)))


def _no_perturbation(value: Any, name: str) -> str:
    """Return the message for a value that is no perturbation, with advice."""
    kind = type(value).__name__
    module = str(getattr(type(value), "__module__", ""))
    if isinstance(value, type):
        advice = f"it is the class {value.__name__}; give an instance of it"
    elif module.startswith("nlpaug."):
        advice = "pytest_ood.perturbations.from_nlpaug makes one of an augmenter of nlpaug"
    elif callable(value):
        advice = (
            "pytest_ood.perturbations.from_function makes one of a function from a text to a text, "
            "the decorators there of one that is written for it"
        )
    else:
        advice = "give the name of one, or one itself"
    return f"{name} is no perturbation but of type {kind}: {advice}"


def fitting(language: Language) -> dict[str, Generator]:
    """Return the shipped perturbations that fit a language, by name."""
    return {name: one for name, one in catalogue().items() if one.languages.accepts(language)}


def in_language(change: P, tag: str) -> P:
    """Return a perturbation for texts in a language; a user's own that is no Generator as it is.

    Args:
        change: The perturbation.
        tag: The tag of BCP 47; "" for the language that the perturbation has, English unless said.

    Raises:
        ConfigurationError: it does not fit the language; the message has those that do.
    """
    if not isinstance(change, Generator | Composite):
        return change
    language = find_language(tag) if tag else None
    try:
        return change.in_language(language)  # type: ignore[return-value] # of the same type
    except ConfigurationError as error:
        language = language or languages.ENGLISH
        raise ConfigurationError(
            f"{error}. What fits {language.name}: {', '.join(fitting(language))}"
        ) from None


def edits_of(change: Perturbation, text: str, rng: Random) -> tuple[Edit, ...]:
    """Return the edits of a perturbation to a text, in order and without overlaps."""
    if isinstance(change, Generator):
        return change.edits(text, rng)
    return edits_between(text, change(text, rng))
