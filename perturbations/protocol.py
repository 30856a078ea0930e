"""What a perturbation is, and the decorator that makes one from a function."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from pytest_ood.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

Contract = Literal["preserving"]
"""What a perturbation may do to the label: `preserving` leaves it as it is."""


@runtime_checkable
class Perturbation(Protocol):
    """Turns a text into a perturbed one, without asking a model.

    The result depends on the text and the generator alone. What is not meant to change stays byte
    for byte the same. A text in which there is nothing to change is returned as it is.
    """

    @property
    def name(self) -> str:
        """The name that configurations and reports use."""
        ...

    @property
    def contract(self) -> Contract:
        """What it may do to the label."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name, version and parameters: what has to be equal for the output to be."""
        ...

    def __call__(self, text: str, rng: Random) -> str:
        """Perturb one text."""
        ...


@dataclass(frozen=True)
class Generator:
    """A perturbation made from a function `(text, rng, *, parameters...) -> text`.

    Attributes:
        name: The function's name, with hyphens.
        contract: What it may do to the label.
        source: Where the perturbation comes from (paper, section).
        version: Raised by whoever changes its output.
        function: The function itself.
        parameters: Values that replace the function's defaults.
    """

    name: str
    contract: Contract
    source: str
    version: int
    function: Callable[..., str] = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __call__(self, text: str, rng: Random) -> str:
        """Perturb one text."""
        if not isinstance(text, str):
            raise TypeError(f"{self.name}: a text is a str, not {type(text).__name__}")
        return self.function(text, rng, **self.parameters)

    @property
    def fingerprint(self) -> str:
        """Name, version and all parameters, defaults included."""
        values = {**self.defaults, **self.parameters}
        listed = ",".join(f"{key}={values[key]!r}" for key in sorted(values))
        return f"{self.name}@{self.version}({listed})"

    @property
    def defaults(self) -> dict[str, Any]:
        """The function's keyword parameters and their defaults."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def with_parameters(self, /, **parameters: Any) -> Generator:
        """Return the same perturbation with other parameters.

        Raises:
            ConfigurationError: an unknown parameter, or a rate outside [0, 1].
        """
        defaults = self.defaults
        for key, value in parameters.items():
            if key not in defaults:
                raise ConfigurationError(
                    f"{self.name}: " + unknown_name("parameter", key, defaults)
                )
            if isinstance(defaults[key], float) and not (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and 0.0 <= value <= 1.0
            ):
                raise ConfigurationError(
                    f"{self.name}: {key} = {value!r} is a share and lies in [0, 1]"
                )
        return replace(self, parameters=MappingProxyType({**self.parameters, **parameters}))


def perturbation(
    *, source: str, contract: Contract = "preserving", version: int = 1
) -> Callable[[Callable[..., str]], Generator]:
    """Make a function `(text, rng, *, parameters...) -> text` a perturbation of the catalogue."""

    def decorate(function: Callable[..., str]) -> Generator:
        name = function.__name__.replace("_", "-")
        return Generator(name, contract, source, version, function)

    return decorate
