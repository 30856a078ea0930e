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

from pytest_ood.edits import Edit, apply_edits, edits_between
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.examples import Dataset, answers_of, canonical, fields_of, with_fields
from pytest_ood.files import write_atomically
from pytest_ood.rows import Subset, blocks
from pytest_ood.shifts import Shifted
from pytest_ood.strict import RefusedError, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.shifts import Shift
    from pytest_ood.suite import Suite

FORMAT = "pytest-ood frozen suite"
FORMAT_VERSION = 1
_NAMED = 5
"""Examples that a message names."""


@dataclass(frozen=True)
class FrozenShift:
    """A noise shift, or adversarial examples made against a surrogate, as they were frozen.

    Attributes:
        perturbation: The fingerprint of what made the edits: name, version and parameters; of an
            attack, against whom.
        edits: By example id and field; texts that were not changed are left out.
        rejected: Ids of examples whose change the validity filter did not accept.
    """

    perturbation: str
    edits: Mapping[tuple[str, str], tuple[Edit, ...]]
    rejected: frozenset[str] = frozenset()

    @property
    def changed(self) -> int:
        """The number of examples that were changed."""
        return len({identifier for identifier, _ in self.edits})


@dataclass(frozen=True)
class FrozenSuite:
    """A suite's examples and perturbed texts.

    Attributes:
        suite: Its name.
        seed: Under which it was drawn and perturbed.
        data: The hash of each drawn example by its id, in the order of the draw; by the name of
            the set: `in-distribution`, or a domain shift.
        shifts: The noise shifts and the adversarial examples against surrogates, by name.
        where: The file, for messages.
    """

    suite: str
    seed: int
    data: Mapping[str, Mapping[str, str]]
    shifts: Mapping[str, FrozenShift]
    where: str = ""

    def drawn(self, name: str, dataset: Dataset) -> Dataset:
        """Return the frozen examples of a set, in their order.

        Args:
            name: `in-distribution`, or a domain shift that was frozen.
            dataset: All examples there are.

        Raises:
            DataError: an example is gone, or has another text or label.
        """
        wanted = self.data[name]
        places: dict[str, int] = {}
        changed = set()
        for place, example in enumerate(dataset):
            if example.id in wanted:
                places[example.id] = place
                if example_hash(example) != wanted[example.id]:
                    changed.add(example.id)
        gone = [identifier for identifier in wanted if identifier not in places]
        other = [identifier for identifier in wanted if identifier in changed]
        if gone or other:
            found = ((gone, "are gone"), (other, "have changed"))
            told = [
                f"{len(ids)} of {len(wanted)} examples {what} ({_listed(ids)})"
                for ids, what in found
                if ids
            ]
            raise DataError(
                f"frozen suite {self.where}: {name} is not the data that was frozen: "
                f"{' and '.join(told)}. Bring the data back, or freeze anew: python -m pytest_ood "
                f"freeze {self.suite}"
            )
        drawn = np.fromiter((places[identifier] for identifier in wanted), np.int64, len(wanted))
        return Dataset(dataset.name, Subset(dataset.examples, drawn))

    def shifted(self, shift: Shift, examples: Sequence[Example]) -> Shifted:
        """Replay a frozen shift on frozen examples."""
        frozen = self.shifts[shift.name]

        def replayed(example: Example) -> Inputs:
            changed = {
                name: apply_edits(text, frozen.edits[example.id, name])
                for name, text in fields_of(example.inputs).items()
                if (example.id, name) in frozen.edits
            }
            return with_fields(example.inputs, changed)

        made = (
            (
                [replayed(example) for example in block],
                {place for place, example in enumerate(block) if example.id in frozen.rejected},
            )
            for block in blocks(examples)
        )
        return Shifted.of(examples, made)

    def notes(self, suite: Suite) -> list[str]:
        """Tell in what the suite is no longer what was frozen."""
        told = []
        for shift in suite.shifts:
            at = f"{suite.name}/{shift.kind}/{shift.name}"
            if shift.has_own_examples and shift.name not in self.data:
                told.append(f"{at} is not in {self.where}: drawn anew")
            if not shift.shares_texts:
                continue
            if shift.name not in self.shifts:
                told.append(f"{at} is not in {self.where}: perturbed anew")
                continue
            before, now = self.shifts[shift.name].perturbation, shift.made_by
            if before != now:
                told.append(
                    f"{at}: the texts are those that {before} made when {self.where} was frozen; "
                    f"the suite now names {now}"
                )
        left = set(self.shifts) - {shift.name for shift in suite.shifts}
        told += [f"{self.where} has {name}, which the suite lacks" for name in sorted(left)]
        return told


def freeze(
    suite: Suite,
    seed: int,
    data: Mapping[str, Sequence[Example]],
    shifted: Mapping[str, Shifted],
    in_distribution: str,
) -> FrozenSuite:
    """Freeze what was drawn and perturbed.

    Args:
        suite: Says by what texts were perturbed.
        seed: Of the draw and the perturbations.
        data: The drawn examples of every set, by its name.
        shifted: What each noise shift made of the in-distribution examples, by its name.
        in_distribution: The name of their set.
    """
    shifts = {}
    for shift in suite.shifts:
        if not shift.shares_texts:
            continue
        made = shifted[shift.name]
        examples = data[in_distribution]
        edits = {
            (example.id, name): found
            for example, inputs in zip(examples, made.inputs, strict=True)
            for name, text in fields_of(example.inputs).items()
            if (found := edits_between(text, fields_of(inputs)[name]))
        }
        refused = zip(examples, made.rejected, strict=True)
        rejected = frozenset(example.id for example, is_refused in refused if is_refused)
        shifts[shift.name] = FrozenShift(shift.made_by, edits, rejected)
    hashes = {name: {e.id: example_hash(e) for e in found} for name, found in data.items()}
    return FrozenSuite(suite.name, seed, hashes, shifts)


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


def read_frozen(path: Path, where: str) -> FrozenSuite:
    """Read a frozen suite.

    Args:
        path: The file.
        where: What messages call it.

    Raises:
        ConfigurationError: it cannot be read, or was changed since it was written.
    """
    try:
        head_line, _, body = path.read_text(encoding="utf-8").partition("\n")
        head = json_of(head_line)
        if head["format"] != FORMAT or head["version"] != FORMAT_VERSION:
            raise ConfigurationError(
                f"frozen suite {where}: its format is {head['format']!r}, version "
                f"{head['version']!r}; known is {FORMAT!r}, version {FORMAT_VERSION}. Freeze anew"
            )
        if hashlib.sha256(body.encode()).hexdigest() != head["sha256"]:
            raise ConfigurationError(
                f"frozen suite {where}: its content is not what was written (SHA-256 "
                f"{head['sha256'][:12]}... expected); bring the file back, or freeze anew"
            )
        return _parsed(head, (json_of(line) for line in body.splitlines()), where)
    except RefusedError as error:
        raise ConfigurationError(
            f"frozen suite {where}: {error}; or bring the file back, or freeze anew"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"frozen suite {where} cannot be read: {error!r}") from None


def _parsed(head: Mapping[str, Any], rows: Iterable[dict[str, Any]], where: str) -> FrozenSuite:
    data: dict[str, dict[str, str]] = {}
    edits: dict[str, dict[tuple[str, str], tuple[Edit, ...]]] = {}
    rejected: dict[str, set[str]] = {}
    for row in rows:
        if "data" in row:
            data.setdefault(row["data"], {})[row["id"]] = row["sha256"]
        elif "edits" in row:
            made = tuple(Edit(*edit) for edit in row["edits"])
            edits.setdefault(row["shift"], {})[row["id"], row["field"]] = made
        else:
            rejected.setdefault(row["shift"], set()).add(row["id"])
    shifts = {
        name: FrozenShift(made_by, edits.get(name, {}), frozenset(rejected.get(name, ())))
        for name, made_by in head["shifts"].items()
    }
    return FrozenSuite(head["suite"], head["seed"], data, shifts, where)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown}, ..."
