"""The protocol of perturbations, and the decorators that convert functions to perturbations."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Protocol,
    Required,
    TypedDict,
    Unpack,
    runtime_checkable,
)

from pytest_ood.data.edits import Edit, Perturbed, apply_in_order
from pytest_ood.errors import (
    ConfigurationError,
    DataError,
    OodError,
    PerturbationError,
    reason_of,
    unknown_name,
    words_of,
)
from pytest_ood.languages import ANY, ENGLISH, Fits, Language, find_language
from pytest_ood.perturbations.contracts import PRESERVING
from pytest_ood.perturbations.protection import parse_protection
from pytest_ood.perturbations.site_editing import (
    BatchedSites,
    Indivisible,
    LocalSites,
    PerSite,
    WholeText,
    WithArticles,
    WrongAnswerError,
    checked_edits,
    checked_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from random import Random

    from pytest_ood.perturbations.contracts import Contract
    from pytest_ood.perturbations.protection import Protection
    from pytest_ood.perturbations.site_editing import EditMethod, Sites, Span

Kind = Literal["noise", "semantic", "register", "label-changing"]
"""The kind of change: of the surface, of the words, of the style, of the meaning."""

_PACKAGE = "pytest_ood"

LANGUAGE = "language"
"""The keyword of a function that takes the language of the text."""

WRAPS = "_wraps"
"""The attribute of a function of this package for the user's function that it calls."""

MAX_SEVERITY = 5
DEFAULT_SEVERITY = 3

EVEN = (0.2, 0.4, 0.6, 0.8, 1.0)
"""The scale of changes with few sites in a text: a fifth of them more at every level."""

ALL = (1.0, 1.0, 1.0, 1.0, 1.0)
"""The scale of changes that are made at all sites or none: every level is the same."""


@runtime_checkable
class Perturbation(Protocol):
    """Turns a text into a perturbed one, without asking the model under test.

    The result depends on the text and the generator alone. Everything outside of the changed sites
    stays byte for byte the same; a text without sites is returned unchanged.
    """

    @property
    def name(self) -> str:
        """The name that configurations and reports use."""
        ...

    @property
    def contract(self) -> Contract:
        """The effect on the label."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name, version and parameters; equal fingerprints mean equal outputs."""
        ...

    def __call__(self, text: str, rng: Random) -> str:
        """Perturb one text."""
        ...


@dataclass(frozen=True)
class Generator:
    """A perturbation made from a function.

    It finds the sites in a text where something can be changed and changes a share of them. Under
    one seed the sites of a lower severity are among those of a higher one.

    Attributes:
        name: The function's name, with hyphens.
        kind: The kind of change.
        contract: The effect on the label.
        source: The source of the perturbation (paper, section).
        scale: The share of sites that is changed at severity 1, 2, 3, 4 and 5; in [0, 1].
        method: Finds and changes the sites.
        version: To be raised with every change of its outputs.
        needs: Requirements besides this package, in words; "" for none.
        models: Parameters that name a language model: a hub id, a local folder or file, or a
            packaged one (`asset:smollm2`).
        choices: Parameters that take one of a few values, with these values.
        example: A text that it changes.
        example_language: The language of the example, a tag of BCP 47.
        severity: The level of the scale, from 1; 0 changes nothing.
        parameters: Values that replace the function's defaults; `share` replaces the scale.
        rewrites: Kinds of spans that it may change, or add text beside, without making an answer
            wrong: no default protects them from it.
        needs_fields: Whether a suite has to say which fields it is for: with all of them changed no
            answer would be left.
        protection: Spans that are never touched; None for no such spans.
        languages: The languages of texts that it fits.
        language: The language of the texts. A function with a keyword `language: Language` gets it.
    """

    name: str
    kind: Kind
    contract: Contract
    source: str
    scale: tuple[float, ...]
    method: EditMethod = field(repr=False)
    version: int = 1
    needs: str = ""
    models: tuple[str, ...] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    rewrites: tuple[str, ...] = ()
    needs_fields: bool = False
    example: str = "I don't think the film is good, but the actors are wonderful."
    example_language: str = ENGLISH.code
    severity: int = DEFAULT_SEVERITY
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    protection: Protection | None = None
    languages: Fits = field(default=ANY, repr=False)
    language: Language = ENGLISH

    def __post_init__(self) -> None:
        """Check the scale."""
        rising = all(a <= b for a, b in zip(self.scale, self.scale[1:], strict=False))
        shares = all(_is_share(share) and share > 0 for share in self.scale)
        if len(self.scale) != MAX_SEVERITY or not shares or not rising:
            raise ConfigurationError(
                f"{self.name}: scale = {self.scale!r} is {MAX_SEVERITY} shares in (0, 1] that do "
                "not fall"
            )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's
        """Show name and parameters where Hypothesis or IPython would print whole lexicons."""
        del cycle
        printer.text(self.fingerprint)

    def __call__(self, text: str, rng: Random) -> str:
        """Perturb one text.

        Raises:
            TypeError: not a string.
            DataError: the text has a lone surrogate, which no encoding can write.
            PerturbationError: a user's function raised, or returned a wrong value.
        """
        return apply_in_order(text, self.edits(text, rng))

    def perturb(self, text: str, rng: Random) -> Perturbed:
        """Perturb one text and return it with its edits; raises as `__call__` does."""
        return Perturbed(text, self.edits(text, rng))

    def edits(self, text: str, rng: Random) -> tuple[Edit, ...]:
        """Return the edits to a text, in order and without overlaps; raises as `__call__`."""
        if not isinstance(text, str):
            raise TypeError(f"{self.name}: a text is a str, not {type(text).__name__}")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self.name}: character {error.start} of the text is the lone surrogate "
                f"{text[error.start]!a}, which no encoding can write; replace it first"
            ) from None
        if self.models:
            self.check_models()
        share = self.share
        if not text or not share:
            return ()
        if not self.protection:
            return self._method_edits(text, rng, ())
        edits = self._method_edits(text, rng, self.protection.spans(text, self.language))
        admitted = self.protection.admitted(text, edits)
        whole = isinstance(self.method, Indivisible)
        return () if whole and len(admitted) < len(edits) else admitted

    def _method_edits(self, text: str, rng: Random, protected: Sequence[Span]) -> tuple[Edit, ...]:
        """Return the edits of the method; errors of a user's function become PerturbationErrors."""
        if self._is_shipped:
            return self._local_method.edits(text, rng, self.share, protected, self._own)
        with as_user_errors(self.name, text, self.function):
            edits = self._local_method.edits(text, rng, self.share, protected, self._own)
            # A user's function may also have found the sites.
            return checked_edits(text, edits)

    @cached_property
    def _is_shipped(self) -> bool:
        """Whether its function is one of this package's."""
        return str(getattr(self.function, "__module__", None)).startswith(f"{_PACKAGE}.")

    @cached_property
    def _own(self) -> Mapping[str, Any]:
        """The parameters that are the function's."""
        own = {key: value for key, value in self.parameters.items() if key != "share"}
        return {**own, LANGUAGE: self.language} if _takes_language(self.function) else own

    @cached_property
    def _local_method(self) -> EditMethod:
        """The method for texts in the language."""
        return self.method.in_language(self.language)

    @property
    def function(self) -> Callable[..., Any]:
        """The function it was made from."""
        return self.method.function

    @cached_property
    def share(self) -> float:
        """The share of sites that is changed."""
        return float(self.parameters.get("share", self._scaled))

    @property
    def _scaled(self) -> float:
        """The severity's share of sites."""
        return self.scale[self.severity - 1] if self.severity else 0.0

    @property
    def fingerprint(self) -> str:
        """Name, version, share of sites, all parameters, defaults included, and protection.

        Also the language, unless it is English.
        """
        values = {**self.defaults, **self.parameters, "share": self.share}
        listed = ",".join(f"{key}={values[key]!r}" for key in sorted(values))
        suffix = "" if self.language.code == ENGLISH.code else f" in {self.language.code}"
        suffix += f" but {self.protection.fingerprint}" if self.protection else ""
        return f"{self.name}@{self.version}({listed}){suffix}"

    @property
    def defaults(self) -> dict[str, Any]:
        """The keyword parameters and their defaults; of `share`, the severity's."""
        own = {
            name: parameter.default
            for name, parameter in inspect.signature(self.function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not _is_language(parameter)
        }
        return {"share": self._scaled, **own}

    @property
    def doc(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def at(self, severity: int) -> Generator:
        """Return the same perturbation at a severity from 1 to 5; 0 changes nothing.

        Raises:
            ConfigurationError: another severity, or `share` is set as well.
        """
        whole = isinstance(severity, int) and not isinstance(severity, bool)
        if not whole or not 0 <= severity <= MAX_SEVERITY:
            raise ConfigurationError(
                f"{self.name}: severity = {severity!r} is a whole number from 1 to {MAX_SEVERITY}"
            )
        if "share" in self.parameters:
            raise ConfigurationError(
                f"{self.name}: severity = {severity} and share = {self.parameters['share']} say "
                "the same thing twice; give one of them"
            )
        return replace(self, severity=severity)

    def keeping(self, protection: Protection | None) -> Generator:
        """Return the same perturbation with protected spans that it does not change."""
        return replace(self, protection=protection)

    def keeping_unless_rewritten(self, kinds: Sequence[str]) -> Generator:
        """Return the same perturbation with kinds of spans protected, but those it rewrites."""
        protected = [kind for kind in kinds if kind not in self.rewrites]
        return self.keeping(parse_protection(protected, ()))

    def protecting(self, answers: Sequence[str]) -> Generator:
        """Return the same perturbation, for an example with these right answers."""
        if self.protection is None or not self.protection.answers:
            return self
        return self.keeping(self.protection.with_answers(answers))

    def in_language(self, language: Language | None) -> Generator:
        """Return the same perturbation for texts in a language; None for its present one.

        Raises:
            ConfigurationError: it does not fit the language.
        """
        language = language or self.language
        if not self.languages.accepts(language):
            raise ConfigurationError(self.languages.misfit(self.name, language))
        return self if language.code == self.language.code else replace(self, language=language)

    def in_example_language(self) -> Generator:
        """Return the same perturbation for texts in the language of the example."""
        return self.in_language(find_language(self.example_language))

    def everywhere(self) -> Generator:
        """Return the same perturbation with all sites changed."""
        return self.with_parameters(share=1.0)

    def under(self, contract: Contract) -> Generator:
        """Return the same perturbation under another contract, such as another filter."""
        return replace(self, contract=contract)

    def with_parameters(self, /, **parameters: Any) -> Generator:
        """Return the same perturbation with other parameters.

        Raises:
            ConfigurationError: an unknown parameter, a share outside [0, 1], or a value that the
                perturbation does not support.
        """
        if _takes_language(self.function) and LANGUAGE in parameters:
            tag = parameters.pop(LANGUAGE)
            local = self.in_language(find_language(tag)) if tag else self
            return local.with_parameters(**parameters)
        defaults = self.defaults
        for key, value in parameters.items():
            if key not in defaults:
                raise ConfigurationError(
                    f"{self.name}: " + unknown_name("parameter", key, defaults)
                )
            self._check(key, value, type(defaults[key]))
        return replace(self, parameters=MappingProxyType({**self.parameters, **parameters}))

    def _check(self, key: str, value: Any, kind: type) -> None:
        """Check a value against the type of its default and its choices."""
        prefix = f"{self.name}: {key} = {value!r}"
        if kind is float and not _is_share(value):
            raise ConfigurationError(f"{prefix} is not a share in [0, 1]")
        if kind is int and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ConfigurationError(f"{prefix} is a whole number of 0 or more")
        if kind is str and not isinstance(value, str):
            raise ConfigurationError(f"{prefix} is a string")
        if key in self.choices and value not in self.choices[key]:
            raise ConfigurationError(
                f"{self.name}: " + unknown_name(key, str(value), self.choices[key])
            )

    def check_models(self) -> None:
        """Check that all language models are named.

        Raises:
            ConfigurationError: names the parameter that is missing.
        """
        english = self.language.code == ENGLISH.code
        for key in self.models:
            # The default models know English.
            if not self.parameters.get(key, self.defaults[key] if english else ""):
                of = "" if english else f" of {self.language.name}"
                raise ConfigurationError(
                    f"{self.name}: name a model{of}: parameters = {{ {key} = '...' }}, a hub id, a "
                    "local folder or file, or a packaged one (asset:smollm2)"
                )

    def weights(self) -> tuple[str, ...]:
        """Return the SHA-256 of each of its language models, on which its output depends, too.

        Raises:
            OodError: a model that is not named, or cannot be found.
        """
        from pytest_ood.perturbations._transformers import weights_hash

        self.check_models()
        return tuple(weights_hash({**self.defaults, **self.parameters}[k]) for k in self.models)


@contextmanager
def as_user_errors(name: str, text: str, function: object) -> Iterator[None]:
    """Convert errors of a user's function, and its wrong return values, to PerturbationErrors.

    Args:
        name: The name of the perturbation.
        text: The text that it was called with.
        function: The function, whose location is added to messages without a line of the user's.

    Raises:
        PerturbationError: says what was raised or returned, and what is allowed.
    """
    try:
        yield
    except (OodError, MemoryError):
        raise
    except WrongAnswerError as error:
        raise PerturbationError(name, text, f"{error}{_location_of(function)}") from error
    except Exception as error:
        reason = reason_of(error)
        # Without a line of the user's in the traceback, the call itself failed.
        location = _location_of(function) if reason == words_of(error) else ""
        if location and isinstance(error, TypeError):
            location += (
                "; a perturbation's function takes what its decorator says, and the generator: "
                "(text, rng), (match, rng) or (matches, rng)"
            )
        raise PerturbationError(name, text, f"raised {reason}{location}") from error


def _location_of(function: object) -> str:
    """Return file and line of a function, in brackets, or ""."""
    own = getattr(function, WRAPS, function)
    for one in (
        inspect.unwrap(own) if callable(own) else None,
        vars(type(own)).get("__call__"),
    ):
        code = getattr(one, "__code__", None)
        if code is not None:
            return f" ({Path(code.co_filename).name}:{code.co_firstlineno})"
    return ""


@dataclass(frozen=True, eq=False)
class GuardedPerturbation:
    """A user's perturbation that is no Generator; its errors become PerturbationErrors.

    Attributes:
        own: The user's perturbation.
    """

    own: Perturbation

    @property
    def name(self) -> str:
        """Its name."""
        return self.own.name

    @property
    def contract(self) -> Contract:
        """The effect on the label."""
        return self.own.contract

    @property
    def fingerprint(self) -> str:
        """Its fingerprint."""
        return self.own.fingerprint

    def __call__(self, text: str, rng: Random) -> str:
        """Perturb one text.

        Raises:
            PerturbationError: the perturbation raised, or returned no text.
        """
        with as_user_errors(self.name, text, self.own):
            changed = checked_text(self.own(text, rng), "a perturbation returns a text")
            checked_edits(text, [Edit(0, len(text), text, changed)])
            return changed


class Declared(TypedDict, total=False):
    """The arguments of the decorators; see `Generator`.

    `source` is required. The defaults of the others are noise that preserves the label, an even
    scale, version 1, and any language. With `articles` the text is English, and an "a" or "an"
    before a changed word changes with it. With `indivisible` all edits of a text are made or none,
    regardless of the severity.
    """

    source: Required[str]
    kind: Kind
    contract: Contract
    scale: Sequence[float]
    version: int
    needs: str
    models: tuple[str, ...]
    choices: Mapping[str, Sequence[str]]
    rewrites: tuple[str, ...]
    needs_fields: bool
    example: str
    example_language: str
    articles: bool
    indivisible: bool
    languages: Fits


def perturbation(
    **declared: Unpack[Declared],
) -> Callable[[Callable[..., str | Iterable[Edit]]], Generator]:
    """Convert a function `(text, rng, *, parameters...) -> text` to a perturbation.

    Its edits are computed by comparing the texts, unless it returns edits, in order and without
    overlaps. A severity takes its share of the edits; by default, all are taken.
    """
    return lambda function: replace(
        _generator(WholeText(function), declared), severity=MAX_SEVERITY
    )


def site_perturbation(
    sites: Sites | LocalSites, **declared: Unpack[Declared]
) -> Callable[[Callable[..., str | None]], Generator]:
    """Convert a function `(match, rng, *, parameters...) -> replacement` to a perturbation.

    Args:
        sites: The sites that can be changed: a regular expression, or a function from a text to its
            matches, in order and without overlaps.
        declared: The attributes of the perturbation.
    """
    return lambda function: _generator(PerSite(sites, function), declared)


def batch_perturbation(
    sites: Sites | LocalSites, **declared: Unpack[Declared]
) -> Callable[[Callable[..., Sequence[str | None]]], Generator]:
    """Convert a function `(matches, rng, *, parameters...) -> replacements` to a perturbation.

    As `site_perturbation`, for functions that are faster for all chosen sites of a text at once,
    such as calls of a language model.
    """
    return lambda function: _generator(BatchedSites(sites, function), declared)


def _generator(method: EditMethod, declared: Declared) -> Generator:
    settings: dict[str, Any] = {"kind": "noise", "contract": PRESERVING, **declared}
    scale = tuple(settings.pop("scale", EVEN))
    if settings.pop("articles", False):
        method = WithArticles(method)
    if settings.pop("indivisible", False):
        method = Indivisible(method)
    return Generator(name=_named(method.function), method=method, scale=scale, **settings)


@cache
def _takes_language(function: Callable[..., Any]) -> bool:
    """Return whether a function takes the language of the text."""
    return any(map(_is_language, inspect.signature(function).parameters.values()))


def _is_language(parameter: inspect.Parameter) -> bool:
    """Return whether a parameter is the language of the text, and none of the perturbation's."""
    is_keyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY
    named = is_keyword and parameter.name == LANGUAGE
    return named and parameter.annotation in (Language, Language.__name__)


def _named(function: Callable[..., Any]) -> str:
    return function.__name__.strip("_").replace("_", "-")


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0
