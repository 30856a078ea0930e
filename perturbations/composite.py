"""Several perturbations one after the other, as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from pytest_ood.data.edits import apply_in_order, composed_edits
from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations.contracts import PRESERVING, Changing, Derived, Uncertain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.edits import Edit
    from pytest_ood.languages import Language
    from pytest_ood.perturbations.contracts import Contract
    from pytest_ood.perturbations.protection import Protection
    from pytest_ood.perturbations.protocol import Generator


@dataclass(frozen=True)
class Composite:
    """Perturbations that are applied in order, each to the output of the one before it.

    HELM's robust versions are of this kind (Liang et al. 2022, appendix D.1): lower case,
    contractions, misspellings and more spaces in one text.

    Attributes:
        parts: Two or more perturbations, in order.
        contract: Their joint effect on the label.
    """

    parts: tuple[Generator, ...]
    contract: Contract

    @property
    def name(self) -> str:
        """The parts' names."""
        return " + ".join(part.name for part in self.parts)

    @property
    def fingerprint(self) -> str:
        """The parts' fingerprints, in order."""
        return " + ".join(part.fingerprint for part in self.parts)

    @property
    def models(self) -> tuple[str, ...]:
        """The parts' parameters that name a language model."""
        return tuple(model for part in self.parts for model in part.models)

    def __call__(self, text: str, rng: Random) -> str:
        """Perturb one text; raises as its parts do."""
        for part in self.parts:
            # Each part has a generator of its own: its draws must not depend on the number of draws
            # of the part before it.
            text = part(text, Random(rng.getrandbits(64)))
        return text

    def edits(self, text: str, rng: Random) -> tuple[Edit, ...]:
        """Return the edits that all parts together make; raises as `__call__`."""
        edits: tuple[Edit, ...] = ()
        changed = text
        for part in self.parts:
            new = part.edits(changed, Random(rng.getrandbits(64)))
            edits = composed_edits(text, edits, new)
            changed = apply_in_order(changed, new)
        return edits

    def at(self, severity: int) -> Composite:
        """Return the same perturbation with all parts at a severity from 1 to 5.

        Raises:
            ConfigurationError: another severity, or a part has its `share` as a parameter.
        """
        return replace(self, parts=tuple(part.at(severity) for part in self.parts))

    def keeping(self, protection: Protection | None) -> Composite:
        """Return the same perturbation, all parts of which leave protected spans alone."""
        return replace(self, parts=tuple(part.keeping(protection) for part in self.parts))

    def keeping_unless_rewritten(self, kinds: Sequence[str]) -> Composite:
        """Return the same perturbation, each part of which leaves alone what it is not for."""
        parts = tuple(part.keeping_unless_rewritten(kinds) for part in self.parts)
        return replace(self, parts=parts)

    def protecting(self, answers: Sequence[str]) -> Composite:
        """Return the same perturbation, for an example with these right answers."""
        return replace(self, parts=tuple(part.protecting(answers) for part in self.parts))

    def in_language(self, language: Language | None) -> Composite:
        """Return the same perturbation for texts in a language; None for its present one.

        Raises:
            ConfigurationError: a part does not fit it.
        """
        return replace(self, parts=tuple(part.in_language(language) for part in self.parts))

    def everywhere(self) -> Composite:
        """Return the same perturbation with all sites changed by each part."""
        return replace(self, parts=tuple(part.everywhere() for part in self.parts))

    def under(self, contract: Contract) -> Composite:
        """Return the same perturbation under another contract, such as another filter."""
        return replace(self, contract=contract)

    def check_models(self) -> None:
        """Check that all language models are named; raises ConfigurationError."""
        for part in self.parts:
            part.check_models()


def composed(parts: Sequence[Generator]) -> Composite:
    """Return a perturbation that applies perturbations one after the other.

    Args:
        parts: Two or more perturbations that keep the label, or whose texts a filter judges; then
            the filter judges the final text.

    Raises:
        ConfigurationError: fewer than two; one that changes the label or derives it; or filters
            that differ.
    """
    if len(parts) < 2:  # noqa: PLR2004 - one is no composite
        raise ConfigurationError(
            f"a composite is made of two or more perturbations, not of {len(parts)}"
        )
    contract: Contract = PRESERVING
    for part in parts:
        if isinstance(part.contract, Changing | Derived):
            raise ConfigurationError(
                f"{part.name} is {part.contract.name}: which label follows on several changes is "
                "not known; compose perturbations that keep the label"
            )
        if isinstance(part.contract, Uncertain):
            if isinstance(contract, Uncertain) and contract != part.contract:
                raise ConfigurationError(
                    f"{' + '.join(p.name for p in parts)}: the parts have different filters; name "
                    "one for all with `filter`"
                )
            contract = part.contract
    return Composite(tuple(parts), contract)
