"""Frozen suites: the examples and the edits of a suite as a file, replayed over releases.

A line of JSON for each example and each perturbed text. The file has edits and hashes rather than
texts: the data stay where they are, and data that have changed are noticed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.data.edits import Edit, apply_edits
from pytest_ood.data.examples import Dataset, answers_of, inputs_of
from pytest_ood.data.inputs import canonical, fields_of, with_fields
from pytest_ood.data.lazy import Subset, blocks
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.shifts import Shifted, ShiftedBlock, edits_of
from pytest_ood.utils.files import write_atomically
from pytest_ood.utils.strict import RefusedError, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.shifts import Shift
    from pytest_ood.suite.suite import Suite

FORMAT = "pytest-ood frozen suite"
FORMAT_VERSION = 1
_NAMED = 5
"""Examples that a message names."""


@dataclass(frozen=True, kw_only=True)
class FrozenShift:
    """A noise shift, or adversarial examples made against a surrogate, as they were frozen.

    Attributes:
        perturbation: The fingerprint of the perturbation: name, version and parameters; for an
            attack, with the attacked model.
        edits: The edits by example id and field, without texts that were not changed.
        rejected: The ids of examples whose perturbed text the validity filter rejected.
    """

    perturbation: str
    edits: Mapping[tuple[str, str], tuple[Edit, ...]]
    rejected: frozenset[str] = frozenset()

    @property
    def changed(self) -> int:
        """The number of examples that were changed."""
        return len({identifier for identifier, _ in self.edits})


@dataclass(frozen=True, kw_only=True)
class FrozenSuite:
    """A suite's examples and perturbed texts.

    Attributes:
        suite: The suite's name.
        seed: The seed of sampling and perturbations.
        data: For each set (`in-distribution`, or a domain shift) the hash of each drawn example by
            its id, in the order of the sample.
        shifts: The noise shifts and the adversarial examples against surrogates, by name.
        location: The file, for messages.
    """

    suite: str
    seed: int
    data: Mapping[str, Mapping[str, str]]
    shifts: Mapping[str, FrozenShift]
    location: str = ""

    def drawn(self, name: str, dataset: Dataset) -> Dataset:
        """Return the frozen examples of a set, in their order.

        Args:
            name: `in-distribution`, or a domain shift that was frozen.
            dataset: All examples there are.

        Raises:
            DataError: an example is gone, or has another text or label.
        """
        # Compared by hash, with the labels: a corrected label or an edited text would change the
        # figures between two releases without a change of the model.
        hashes = self.data[name]
        index_of: dict[str, int] = {}
        changed = set()
        for index, example in enumerate(dataset):
            if example.id in hashes:
                index_of[example.id] = index
                if example_hash(example) != hashes[example.id]:
                    changed.add(example.id)
        missing = [identifier for identifier in hashes if identifier not in index_of]
        other = [identifier for identifier in hashes if identifier in changed]
        if missing or other:
            differences = ((missing, "are gone"), (other, "have changed"))
            parts = [
                f"{len(ids)} of {len(hashes)} examples {state} ({_listed(ids)})"
                for ids, state in differences
                if ids
            ]
            raise DataError(
                f"frozen suite {self.location}: {name} is not the data that was frozen: "
                f"{' and '.join(parts)}. Bring the data back, or freeze anew: python -m pytest_ood "
                f"freeze {self.suite}"
            )
        drawn = np.fromiter((index_of[identifier] for identifier in hashes), np.int64, len(hashes))
        return Dataset(dataset.name, Subset(dataset.examples, drawn))

    def shifted(self, shift: Shift, examples: Sequence[Example]) -> Shifted:
        """Replay a frozen shift on frozen examples."""
        # Neither the perturbation nor its filter runs again: a new version of either, or of a
        # language model behind it, would give other texts. Hence rejected texts are stored, too.
        frozen = self.shifts[shift.name]

        def replayed(example: Example) -> Inputs:
            """Return the inputs of an example with its frozen edits applied."""
            changed = {
                name: apply_edits(text, frozen.edits[example.id, name])
                for name, text in fields_of(example.inputs).items()
                if (example.id, name) in frozen.edits
            }
            return with_fields(example.inputs, changed)

        shifted = (
            ShiftedBlock(
                [replayed(example) for example in block],
                {index for index, example in enumerate(block) if example.id in frozen.rejected},
                [
                    {name: frozen.edits.get((e.id, name), ()) for name in fields_of(e.inputs)}
                    for e in block
                ],
            )
            for block in blocks(examples)
        )
        return Shifted.of(examples, shifted)

    def notes(self, suite: Suite) -> list[str]:
        """Return notes on differences between the suite and what was frozen."""
        notes = []
        for shift in suite.shifts:
            shift_id = f"{suite.name}/{shift.kind}/{shift.name}"
            if shift.has_own_examples and shift.name not in self.data:
                notes.append(f"{shift_id} is not in {self.location}: drawn anew")
            if not shift.shares_texts:
                continue
            if shift.name not in self.shifts:
                notes.append(f"{shift_id} is not in {self.location}: perturbed anew")
                continue
            before, now = self.shifts[shift.name].perturbation, shift.texts_fingerprint
            if before != now:
                notes.append(
                    f"{shift_id}: the texts are those that {before} made when {self.location} was "
                    f"frozen; the suite now names {now}"
                )
        left = set(self.shifts) - {shift.name for shift in suite.shifts}
        notes += [
            f"{self.location} has {shift_id}, which the suite lacks" for shift_id in sorted(left)
        ]
        return notes


def freeze(
    suite: Suite,
    seed: int,
    data: Mapping[str, Sequence[Example]],
    shifted: Mapping[str, Shifted],
    in_distribution: str,
) -> FrozenSuite:
    """Freeze the drawn and the perturbed examples of a suite.

    Args:
        suite: The suite.
        seed: The seed of sampling and perturbations.
        data: The drawn examples of every set, by its name.
        shifted: The perturbed in-distribution examples of each noise shift, by its name.
        in_distribution: The name of the in-distribution set.
    """
    shifts = {}
    for shift in suite.shifts:
        if not shift.shares_texts:
            continue
        texts = shifted[shift.name]
        examples = data[in_distribution]
        by_example = (
            map(edits_of, inputs_of(examples), texts.inputs) if texts.edits is None else texts.edits
        )
        edits = {
            (example.id, name): tuple(edits_of_text)
            for example, by_field in zip(examples, by_example, strict=True)
            for name, edits_of_text in by_field.items()
            if edits_of_text
        }
        refused = zip(examples, texts.rejected, strict=True)
        rejected = frozenset(example.id for example, is_refused in refused if is_refused)
        shifts[shift.name] = FrozenShift(
            perturbation=shift.texts_fingerprint, edits=edits, rejected=rejected
        )
    hashes = {
        name: {example.id: example_hash(example) for example in drawn}
        for name, drawn in data.items()
    }
    return FrozenSuite(suite=suite.name, seed=seed, data=hashes, shifts=shifts)


def example_hash(example: Example) -> str:
    """Return the SHA-256 of an example's inputs and answers."""
    text = json.dumps([canonical(example.inputs), *answers_of(example)])
    return hashlib.sha256(text.encode()).hexdigest()


def write_frozen(path: Path, frozen: FrozenSuite) -> str:
    """Write a frozen suite whole or not at all; return the SHA-256 of its content."""
    body = "".join(f"{json.dumps(row)}\n" for row in _rows(frozen))
    digest = hashlib.sha256(body.encode()).hexdigest()
    head = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "suite": frozen.suite,
        "seed": frozen.seed,
        "shifts": {name: shift.perturbation for name, shift in frozen.shifts.items()},
        "sha256": digest,
    }
    write_atomically(path, f"{json.dumps(head)}\n{body}")
    return digest


def _rows(frozen: FrozenSuite) -> Iterator[dict[str, Any]]:
    for name, examples in frozen.data.items():
        for identifier, digest in examples.items():
            yield {"data": name, "id": identifier, "sha256": digest}
    for name, shift in frozen.shifts.items():
        for (identifier, field), edits in shift.edits.items():
            listed = [[e.start, e.end, e.before, e.after] for e in edits]
            yield {"shift": name, "id": identifier, "field": field, "edits": listed}
        for identifier in sorted(shift.rejected):
            yield {"shift": name, "id": identifier, "rejected": True}


def read_frozen_suites(paths: Iterable[str], root: Path) -> dict[str, FrozenSuite]:
    """Read frozen suites; return them by the name of the suite.

    Args:
        paths: The files.
        root: The folder that relative paths start from.

    Raises:
        ConfigurationError: a file is wrong, see `read_frozen`, or two files freeze one suite.
    """
    by_suite: dict[str, FrozenSuite] = {}
    for path in paths:
        frozen = read_frozen(root / path, path)
        if frozen.suite in by_suite:
            raise ConfigurationError(
                f"{by_suite[frozen.suite].location} and {path} both freeze the suite "
                f"{frozen.suite!r}; keep one"
            )
        by_suite[frozen.suite] = frozen
    return by_suite


def read_frozen(path: Path, location: str) -> FrozenSuite:
    """Read a frozen suite.

    Args:
        path: The file.
        location: The name of the file in messages.

    Raises:
        ConfigurationError: it cannot be read, or was changed since it was written.
    """
    try:
        head_line, _, body = path.read_text(encoding="utf-8").partition("\n")
        head = json_of(head_line)
        if head["format"] != FORMAT or head["version"] != FORMAT_VERSION:
            raise ConfigurationError(
                f"frozen suite {location}: its format is {head['format']!r}, version "
                f"{head['version']!r}; known is {FORMAT!r}, version {FORMAT_VERSION}. Freeze anew"
            )
        if hashlib.sha256(body.encode()).hexdigest() != head["sha256"]:
            raise ConfigurationError(
                f"frozen suite {location}: its content is not what was written (SHA-256 "
                f"{head['sha256'][:12]}... expected); bring the file back, or freeze anew"
            )
        return _parsed(head, (json_of(line) for line in body.splitlines()), location)
    except RefusedError as error:
        raise ConfigurationError(
            f"frozen suite {location}: {error}; or bring the file back, or freeze anew"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"frozen suite {location} cannot be read: {error!r}") from None


def _parsed(head: Mapping[str, Any], rows: Iterable[dict[str, Any]], location: str) -> FrozenSuite:
    data: dict[str, dict[str, str]] = {}
    edits: dict[str, dict[tuple[str, str], tuple[Edit, ...]]] = {}
    rejected: dict[str, set[str]] = {}
    for row in rows:
        if "data" in row:
            data.setdefault(row["data"], {})[row["id"]] = row["sha256"]
        elif "edits" in row:
            row_edits = tuple(Edit(*edit) for edit in row["edits"])
            edits.setdefault(row["shift"], {})[row["id"], row["field"]] = row_edits
        else:
            rejected.setdefault(row["shift"], set()).add(row["id"])
    shifts = {
        name: FrozenShift(
            perturbation=perturbation,
            edits=edits.get(name, {}),
            rejected=frozenset(rejected.get(name, ())),
        )
        for name, perturbation in head["shifts"].items()
    }
    return FrozenSuite(
        suite=head["suite"], seed=head["seed"], data=data, shifts=shifts, location=location
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown}, ..."
