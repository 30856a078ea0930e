"""Hypothesis strategies: perturbed examples that shrink to the least edit, and their replay."""

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

from pytest_ood.edits import Edit, Perturbed, apply_edits
from pytest_ood.errors import ConfigurationError, DataError, PerturbationError
from pytest_ood.examples import (
    Dataset,
    Example,
    Inputs,
    as_dataset,
    canonical,
    fields_of,
    with_fields,
)
from pytest_ood.files import write_atomically
from pytest_ood.perturbations import Generator, Perturbation, as_perturbation, edits_of
from pytest_ood.perturbations.contracts import Changing, Derived, Uncertain
from pytest_ood.perturbations.resources import current
from pytest_ood.seeding import generator
from pytest_ood.strict import json_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

REPLAY_FOLDER = Path(".ood", "replay")
"""Under the project's folder: one file for each strategy that has failed."""

FieldEdit = tuple[str, Edit]


@dataclass(frozen=True, repr=False, kw_only=True)
class PerturbedCase:
    """An example with a few edits.

    Attributes:
        example: The original.
        inputs: What the model is asked instead.
        edits: (field, edit) for every edit that was made; the field of a single text is `text`.
        changes_label: A perturbation that changes the label made one of the edits.
        replay: The name of the strategy's replay file, or "".
    """

    example: Example
    inputs: Inputs
    edits: tuple[FieldEdit, ...]
    changes_label: bool = field(default=False, compare=False)
    replay: str = field(default="", compare=False)

    def __repr__(self) -> str:
        """Write the case as the call of `edited` that makes it again."""
        edits = [(name, e.start, e.end, e.before, e.after) for name, e in self.edits]
        single = isinstance(self.original, str)
        shown = [repr(edit[1:] if single else edit) for edit in edits]
        inputs = self.original if isinstance(self.original, str) else dict(self.original)
        return f"edited({', '.join([repr(inputs), repr(self.example.label), *shown])})"

    @property
    def original(self) -> Inputs:
        """What the model would be asked without the edits."""
        return self.example.inputs


def edited(
    inputs: Any,
    label: Any,
    *edits: tuple[int, int, str, str] | tuple[str, int, int, str, str],
) -> PerturbedCase:
    """Make a case of an example and its edits, such as one that a failure has printed.

    Args:
        inputs: The original.
        label: Its label.
        edits: (start, end, before, after), and before these the field's name where inputs have
            named fields.

    Raises:
        DataError: an edit is not of these inputs.
    """
    (example,) = Dataset.from_pairs("replay", [(inputs, label)]).examples
    named = [edit if len(edit) == _NAMED else ("text", *edit) for edit in edits]
    return _case(example, tuple((str(name), Edit(*edit)) for name, *edit in named))


_NAMED = 5
"""Parts of an edit that names its field."""


def perturbed(
    data: Dataset | Iterable[tuple[Any, Any]],
    perturbation: str | Perturbation | Sequence[str | Perturbation],
    *,
    max_edits: int = 3,
) -> st.SearchStrategy[PerturbedCase]:
    """Draw an example and at most `max_edits` of the edits that perturbations make to it.

    A failing case shrinks to the fewest edits, in the earliest example. The edits of a perturbation
    that changes the label are all made, or none: an example that takes more of them is not drawn.
    Where the perturbation's
    contract names a validity filter, only cases that it accepts are drawn. A case that
    `ood.assert_invariant` has kept in a replay file is drawn first.

    Args:
        data: A data set, or (inputs, label) pairs.
        perturbation: A name of the catalogue, or a perturbation; or several of these, of whose
            edits some are drawn that do not overlap.
        max_edits: The most edits, 1 or more.

    Raises:
        ConfigurationError: there is no such perturbation, or `max_edits` is below 1.
    """
    if isinstance(max_edits, bool) or not isinstance(max_edits, int) or max_edits < 1:
        raise ConfigurationError(f"max_edits = {max_edits} is 1 or more")
    dataset = as_dataset(data)
    several = isinstance(perturbation, Sequence | AbstractSet | Iterator)
    is_list = several and not isinstance(perturbation, str)
    perturbations: list[Any] = (
        list(cast("Iterable[Any]", perturbation)) if is_list else [perturbation]
    )
    if not perturbations:
        raise ConfigurationError("perturbed: give one perturbation or more, not an empty list")
    changes = tuple(map(_with_all_sites, perturbations))

    def ready() -> st.SearchStrategy[PerturbedCase]:
        # What a generator loads when it is first used takes longer than Hypothesis gives a draw,
        # and must not be loaded when the user's test module is merely imported.
        for change in changes:
            change("Two words.", generator(0, "warm-up"))
            if isinstance(change.contract, Uncertain):
                change.contract.filter.accepts([Perturbed("word", (Edit(0, 1, "w", "v"),))])
        name = _replay_name(dataset, changes, max_edits)
        fresh = _cases(dataset.examples, changes, max_edits, name)
        case = _load_case(name, dataset)
        # What Hypothesis tries first is the first of several.
        return fresh if case is None else st.one_of(st.just(case), fresh)

    return st.deferred(ready)


def keep_for_replay(case: PerturbedCase) -> Path | None:
    """Write a case to its strategy's replay file; returns the file, or None for a case without.

    Hypothesis runs the least failing case last, so that this is the one that stays.
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
    """Name a strategy by what decides its cases: other data or perturbations, another name."""
    parts = [dataset.content_hash, str(max_edits), *(change.fingerprint for change in changes)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _load_case(name: str, dataset: Dataset) -> PerturbedCase | None:
    """Read the case that a strategy failed at, if it is one of this data.

    Raises:
        DataError: the file is not one of these.
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
        # Every site is on offer: `max_edits` says how many are taken.
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
    # Some of the edits that change a label together would not change it.
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
    """Return whether two edits cannot both be made; two insertions at one place cannot either."""
    if (one.start, one.end) == (other.start, other.end):
        return True
    return one.start < other.end and other.start < one.end
