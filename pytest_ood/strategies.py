"""Hypothesis strategies: perturbed examples that shrink to the fewest edits, and their replay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypothesis import assume
from hypothesis import strategies as st

from pytest_ood.data.edits import Edit, Perturbed, apply_edits
from pytest_ood.data.examples import Dataset, Example, as_dataset
from pytest_ood.data.inputs import Inputs, canonical, fields_of, with_fields
from pytest_ood.errors import ConfigurationError, DataError, PerturbationError
from pytest_ood.perturbations import (
    Generator,
    Perturbation,
    as_perturbation,
    edits_of,
    in_language,
)
from pytest_ood.perturbations.contracts import Changing, Derived, Uncertain
from pytest_ood.perturbations.resources import current
from pytest_ood.utils.files import write_atomically
from pytest_ood.utils.seeding import generator
from pytest_ood.utils.strict import json_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

REPLAY_FOLDER = Path(".ood", "replay")
"""The folder of replay files in the project, one for each strategy that has failed."""

FieldEdit = tuple[str, Edit]


@dataclass(frozen=True, repr=False, kw_only=True)
class PerturbedCase:
    """An example with a few edits.

    Attributes:
        example: The original.
        inputs: The inputs with the edits.
        edits: (field, edit) for every edit; the field of a single text is `text`.
        changes_label: Whether one of the edits is from a perturbation that changes the label.
        replay: The name of the strategy's replay file, or "".
    """

    example: Example
    inputs: Inputs
    edits: tuple[FieldEdit, ...]
    changes_label: bool = field(default=False, compare=False)
    replay: str = field(default="", compare=False)

    def __repr__(self) -> str:
        """Return the call of `edited` that builds an equal case."""
        edits = [(name, e.start, e.end, e.before, e.after) for name, e in self.edits]
        single = isinstance(self.original, str)
        shown = [repr(edit[1:] if single else edit) for edit in edits]
        inputs = self.original if isinstance(self.original, str) else dict(self.original)
        return f"edited({', '.join([repr(inputs), repr(self.example.label), *shown])})"

    @property
    def original(self) -> Inputs:
        """The inputs without the edits."""
        return self.example.inputs


def edited(
    inputs: Any,
    label: Any,
    *edits: tuple[int, int, str, str] | tuple[str, int, int, str, str],
) -> PerturbedCase:
    """Build a case from an example and its edits, such as one that a failure has printed.

    Args:
        inputs: The original inputs.
        label: Their label.
        edits: (start, end, before, after), or (field, start, end, before, after) for inputs with
            named fields.

    Raises:
        DataError: an edit does not fit the inputs.
    """
    (example,) = Dataset.from_pairs("replay", [(inputs, label)]).examples
    named = [edit if len(edit) == _NAMED else ("text", *edit) for edit in edits]
    return _case(example, tuple((str(name), Edit(*edit)) for name, *edit in named))


_NAMED = 5
"""The number of elements of an edit with a field."""


def perturbed(
    data: Dataset | Iterable[tuple[Any, Any]],
    perturbation: str | Perturbation | Sequence[str | Perturbation],
    *,
    max_edits: int = 3,
    language: str = "",
) -> st.SearchStrategy[PerturbedCase]:
    """Draw an example and at most `max_edits` of the edits that perturbations make to it.

    A failing case shrinks to the fewest edits, in the earliest example. A perturbation that changes
    the label makes all of its edits or none: an example with more of them than `max_edits` is not
    drawn. If a perturbation's contract has a validity filter, only cases that it accepts are drawn.
    A case in a replay file of `ood.assert_invariant` is drawn first.

    Args:
        data: A data set, or (inputs, label) pairs.
        perturbation: A name of the catalogue, or a perturbation; or several of these, from whose
            edits some that do not overlap are drawn.
        max_edits: The most edits, 1 or more.
        language: The language of the texts, a tag of BCP 47; "" for that of the perturbation,
            English unless said.

    Raises:
        ConfigurationError: there is no such perturbation, it does not fit the language, or
            `max_edits` is below 1.
    """
    if isinstance(max_edits, bool) or not isinstance(max_edits, int) or max_edits < 1:
        raise ConfigurationError(f"max_edits = {max_edits} has to be 1 or more")
    dataset = as_dataset(data)
    several = isinstance(perturbation, Sequence | AbstractSet | Iterator)
    is_list = several and not isinstance(perturbation, str)
    perturbations: list[Any] = (
        list(cast("Iterable[Any]", perturbation)) if is_list else [perturbation]
    )
    if not perturbations:
        raise ConfigurationError("perturbed: give one perturbation or more, not an empty list")
    changes = tuple(in_language(_with_all_sites(one), language) for one in perturbations)

    def ready() -> st.SearchStrategy[PerturbedCase]:
        """Return the strategy, with the models of its perturbations loaded."""
        # Perturbations load models at their first use, which takes longer than Hypothesis's
        # deadline for a draw. Deferred, so that importing the user's test module loads nothing.
        for change in changes:
            change("Two words.", generator(0, "warm-up"))
            if isinstance(change.contract, Uncertain):
                change.contract.filter.accepts([Perturbed("word", (Edit(0, 1, "w", "v"),))])
        name = _replay_name(dataset, changes, max_edits)
        fresh = _cases(dataset.examples, changes, max_edits, name)
        case = _load_case(name, dataset)
        # Hypothesis tries the first of several strategies first.
        return fresh if case is None else st.one_of(st.just(case), fresh)

    return st.deferred(ready)


def keep_for_replay(case: PerturbedCase) -> Path | None:
    """Write a case to its strategy's replay file, and return the file; None without a strategy.

    Hypothesis runs the smallest failing case last, so that the file ends up with this one.
    """
    if not case.replay:
        return None
    folder = current().root / REPLAY_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    inputs = case.original if isinstance(case.original, str) else dict(case.original)
    fields = {
        "id": case.example.id,
        "inputs": inputs,
        "label": case.example.label,
        "edits": [[name, e.start, e.end, e.before, e.after] for name, e in case.edits],
        "changes_label": case.changes_label,
    }
    path = folder / f"{case.replay}.json"
    write_atomically(path, json.dumps(fields, indent=2) + "\n")
    return path


def _replay_name(dataset: Dataset, changes: Sequence[Perturbation], max_edits: int) -> str:
    """Return a hash of the data, the perturbations and the number of edits, as a file name."""
    parts = [dataset.content_hash, str(max_edits), *(change.fingerprint for change in changes)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _load_case(name: str, dataset: Dataset) -> PerturbedCase | None:
    """Return the case of a replay file, or None if there is none or it is not of this data.

    Raises:
        DataError: the file is no replay file.
    """
    path = current().root / REPLAY_FOLDER / f"{name}.json"
    try:
        fields = json_of(path.read_text(encoding="utf-8"))
        example = Example(fields["id"], fields["inputs"], fields["label"])
        edits = tuple((str(name_), Edit(*edit)) for name_, *edit in fields["edits"])
        case = _case(example, edits, changes_label=bool(fields["changes_label"]), replay=name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"replay file {path} cannot be read: {error!r}; delete it") from None
    return case if example in dataset.examples else None


def _case(
    example: Example,
    edits: tuple[FieldEdit, ...],
    *,
    changes_label: bool = False,
    replay: str = "",
) -> PerturbedCase:
    texts = fields_of(example.inputs)
    for name, _ in edits:
        if name not in texts:
            raise DataError(f"an edit of the field {name!r}; there are {', '.join(texts)}")
    try:
        texts = {
            name: apply_edits(text, [edit for field_, edit in edits if field_ == name])
            for name, text in texts.items()
        }
    except ValueError as error:
        raise DataError(f"{canonical(example.inputs)}: {error}") from None
    return PerturbedCase(
        example=example,
        inputs=with_fields(example.inputs, texts),
        edits=edits,
        changes_label=changes_label,
        replay=replay,
    )


def _with_all_sites(change_or_name: str | Perturbation) -> Perturbation:
    change = as_perturbation(change_or_name)
    if isinstance(change, Generator) and "share" not in change.parameters:
        # All sites are candidates: Hypothesis chooses among them, up to `max_edits`.
        return change.with_parameters(share=1.0)
    return change


@st.composite
def _cases(
    draw: st.DrawFn,
    examples: Sequence[Example],
    changes: tuple[Perturbation, ...],
    max_edits: int,
    replay: str,
) -> PerturbedCase:
    example = draw(st.sampled_from(examples))
    seed = draw(st.integers(0, 2**32 - 1))
    texts = fields_of(example.inputs)
    possible = [
        (name, edit, change)
        for change in changes
        for name, text in texts.items()
        for edit in _edits(change, text, generator(seed, example.id, name), example)
    ]
    assume(possible)
    indices = st.integers(0, len(possible) - 1)
    chosen = draw(st.sets(indices, min_size=1, max_size=min(max_edits, len(possible))))
    # A part of the edits that change the label together may not change it: all or none.
    whole = {id(possible[n][2]) for n in chosen if isinstance(possible[n][2].contract, Changing)}
    chosen |= {n for n, (_, _, change) in enumerate(possible) if id(change) in whole}
    assume(len(chosen) <= max_edits)
    taken: list[tuple[str, Edit, Perturbation]] = []
    for index in sorted(chosen):
        name, edit, _ = possible[index]
        if not any(name == other and _overlap(edit, done) for other, done, _ in taken):
            taken.append(possible[index])
    taken.sort(key=lambda one: (list(texts).index(one[0]), one[1].start, one[1].end))
    edits = tuple((name, edit) for name, edit, _ in taken)
    contracts = [change.contract for _, _, change in taken]
    changing = any(isinstance(contract, Changing) for contract in contracts)
    case = _case(example, edits, changes_label=changing, replay=replay)
    for derived in (contract for contract in contracts if isinstance(contract, Derived)):
        if derived.tasks:
            case = replace(case, changes_label=True)
        else:
            assume(derived.label(example, case.inputs) is not None)
    filters = {c.filter.fingerprint: c.filter for c in contracts if isinstance(c, Uncertain)}
    variants = [
        Perturbed(text, tuple(edit for name_, edit in edits if name_ == name))
        for name, text in texts.items()
        if any(name_ == name for name_, _ in edits)
    ]
    for filter_ in filters.values():
        assume(all(filter_.accepts(variants)))
    return case


def _edits(change: Perturbation, text: str, rng: Random, example: Example) -> tuple[Edit, ...]:
    try:
        return edits_of(change, text, rng)
    except PerturbationError as error:
        raise error.of_example(example.id) from error.__cause__


def _overlap(one: Edit, other: Edit) -> bool:
    """Return whether two edits overlap; two insertions at the same position do."""
    if (one.start, one.end) == (other.start, other.end):
        return True
    return one.start < other.end and other.start < one.end
